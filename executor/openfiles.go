package executor

import (
	"math"
	"syscall"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
)

// A host at work has its connection and, of these one at a time, a second one that
// confirms its change, or a file that is being copied. The rest is the process's own.
const (
	filesPerHost = 2
	ownFiles     = 50
)

// checkOpenFiles refuses to take more hosts at once than files may be opened for: hosts
// would fail in the middle of a rollout through no fault of their own.
func checkOpenFiles(hosts int, most uint64) error {
	need := uint64(filesPerHost*hosts + ownFiles)
	if need <= most {
		return nil
	}
	hint := "raise the limit: ulimit -Hn as root, or LimitNOFILE= of the service"
	refused := fault.New(fault.Refused, "cannot take %d hosts at once: that needs %d open files, and this process may have %d", hosts, need, most)
	if most < filesPerHost+ownFiles {
		return refused.WithHint("%s", hint)
	}
	return refused.WithHint("--parallel %d; or %s", (most-ownFiles)/filesPerHost, hint)
}

// openFiles is how many files this process may have open. Go has raised that as far as
// the process itself may.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxUint64 // none that we know of
	}
	return limit.Cur
}
