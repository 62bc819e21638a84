package batch

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// perWorker is the memory that a part of ordinary hosts takes at most.
const perWorker = 768 << 20

// Workers returns how many processes this machine has cores and memory for.
func Workers() int { return workers(runtime.GOMAXPROCS(0), Available()) }

func workers(cores int, memory int64) int {
	return max(1, min(cores, int(memory/perWorker)))
}

// Available returns the memory that can be had without swapping, of the machine or
// of the container that we are in.
func Available() int64 {
	memory := int64(1) << 40
	if free, ok := meminfo("/proc/meminfo", "MemAvailable:"); ok {
		memory = free
	}
	limit, ok := number("/sys/fs/cgroup/memory.max")
	if used, known := number("/sys/fs/cgroup/memory.current"); ok && known {
		memory = min(memory, max(0, limit-used))
	}
	return memory
}

func meminfo(file, field string) (int64, bool) {
	f, err := os.Open(file)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), field); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err == nil
		}
	}
	return 0, false
}

// number reads a file of one number; "max" is none.
func number(file string) (int64, bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return n, err == nil
}
