package lease

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Clock tells the time since the host's kernel booted, and which boot that is. It
// does not jump when somebody sets the date, and goes on while the host is suspended.
type Clock struct {
	// Boot identifies the boot; [UnknownBoot] where that cannot be told.
	Boot string
	// Now is the time of the clock.
	Now func() time.Duration
	// Began is when this boot began: at 0, but where the host shares its kernel with
	// others, as containers do.
	Began time.Duration
}

// UnknownBoot is the name of every boot of a host that does not name them.
const UnknownBoot = "unknown"

// System returns the host's clock.
func System() Clock {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		boot = []byte(UnknownBoot)
	}
	stat, _ := os.ReadFile("/proc/1/stat") // what tells nothing tells 0
	return Clock{Boot: strings.TrimSpace(string(boot)), Now: sinceBoot, Began: started(string(stat))}
}

// started reads proc(5)'s stat: when the process started, on the same clock. That of
// the host's first process is when the host did.
func started(stat string) time.Duration {
	const (
		place = 19                // of the 22nd field, after the second, a name that may hold anything
		tick  = time.Second / 100 // the kernel's unit for programs, on every architecture of ours
	)
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) <= place {
		return 0
	}
	ticks, err := strconv.ParseInt(fields[place], 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(ticks) * tick
}

func sinceBoot() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		// Every kernel that systemd runs on has this clock.
		panic("internal error: no clock of the boot: " + err.Error())
	}
	return time.Duration(t.Nano())
}
