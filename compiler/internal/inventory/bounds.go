package inventory

import (
	"encoding/json"
	"fmt"
	"path"
	"runtime/metrics"
	"time"
)

// What is read is read by programs that call themselves for each level: unbounded
// input would end the process, which no error can tell of.
const (
	maxDepth   = 500       // levels, as Jsonnet itself has
	maxProgram = 512 << 10 // bytes of Jsonnet; of data there may be more
	maxSigns   = 1000      // signs in front of one value: a line of a comment has fewer
	maxMemory  = 4 << 30   // bytes that evaluating an inventory may take
)

// checkBounds refuses texts that are too deep to be read. Brackets in strings and
// comments count as well; nobody has five hundred of them unclosed.
func checkBounds(name string, data []byte) error {
	depth, signs := 0, 0
	for _, c := range data {
		switch c {
		case '[', '{', '(':
			depth++
		case ']', '}', ')':
			depth--
		case '!', '~', '+', '-':
			signs++
		case ' ', '\t', '\r', '\n':
		default:
			signs = 0
		}
		if depth > maxDepth || signs > maxSigns && !isYAML(name) {
			return fmt.Errorf("it is nested more than %d levels deep", maxDepth)
		}
	}
	switch path.Ext(name) {
	case ".jsonnet", ".libsonnet":
	case ".json":
		if json.Valid(data) {
			return nil
		}
	default:
		return nil
	}
	if len(data) > maxProgram {
		return fmt.Errorf("it is a Jsonnet program of %d bytes: expected at most %d; keep data in a file of JSON, and import that", len(data), maxProgram)
	}
	return nil
}

// memoryExceeded is closed once the process has taken more memory than evaluating
// an inventory may, until stop is closed.
func memoryExceeded(stop <-chan struct{}) <-chan struct{} {
	exceeded := make(chan struct{})
	go func() {
		heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			if metrics.Read(heap); heap[0].Value.Uint64() > maxMemory {
				close(exceeded)
				return
			}
		}
	}()
	return exceeded
}
