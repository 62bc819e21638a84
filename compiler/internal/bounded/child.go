package bounded

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"syscall"
	"time"
)

// Exit statuses that name the limit that was exceeded; Go itself uses 2.
const (
	exitCPU    = 90
	exitMemory = 91
)

// deepest is how many bytes of stack the work may take.
const deepest = 256 << 20

// Serve is the body of the child: it bounds this process, which does nothing else, and
// does the work.
func Serve(limits Limits, work func(io.Reader, io.Writer) error, in io.Reader, out io.Writer) error {
	debug.SetMaxStack(deepest)
	debug.SetGCPercent(400) // a short life with much memory
	debug.SetMemoryLimit(int64(limits.Memory + limits.Memory/2))
	// Only for what is faster than watch: one huge allocation, or a thread that the
	// scheduler cannot stop. Go itself reserves up to two GiB of address space.
	for resource, most := range map[int]uint64{
		syscall.RLIMIT_CPU: uint64(limits.CPU/time.Second) + 5,
		syscall.RLIMIT_AS:  2*limits.Memory + 2<<30,
	} {
		if err := lower(resource, most); err != nil {
			return fmt.Errorf("cannot limit the evaluation: %w", err)
		}
	}
	go watch(limits)
	return work(in, out)
}

// lower sets a limit of this process, unless it has a lower one already.
func lower(resource int, most uint64) error {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(resource, &now); err != nil {
		return err
	}
	most = min(most, now.Max)
	return syscall.Setrlimit(resource, &syscall.Rlimit{Cur: most, Max: most})
}

// watch ends this process when it exceeds a limit, with a status that says which. What
// the garbage collector has not looked at yet does not count as memory in use.
func watch(limits Limits) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for range time.Tick(20 * time.Millisecond) {
		var used syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err == nil && used.Utime.Nano()+used.Stime.Nano() > int64(limits.CPU) {
			os.Exit(exitCPU)
		}
		if metrics.Read(live); live[0].Value.Uint64() > limits.Memory {
			os.Exit(exitMemory)
		}
	}
}
