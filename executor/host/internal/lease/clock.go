package lease

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Clock tells the time since the host booted, and which boot that is. It does not
// jump when somebody sets the date, and goes on while the host is suspended.
type Clock struct {
	// Boot identifies the boot.
	Boot string
	// Now is the time since then.
	Now func() time.Duration
}

// System returns the host's clock.
func System() Clock {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		boot = []byte("unknown")
	}
	return Clock{Boot: strings.TrimSpace(string(boot)), Now: sinceBoot}
}

func sinceBoot() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		// Every kernel that systemd runs on has this clock.
		panic("internal error: no clock of the boot: " + err.Error())
	}
	return time.Duration(t.Nano())
}
