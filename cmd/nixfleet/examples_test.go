package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheRebootExamplesAskForWhatThereIs reads what the timer's service and the schedule
// of CI call as the command does.
func TestTheRebootExamplesAskForWhatThereIs(t *testing.T) {
	calls := regexp.MustCompile(`(?m)^(?:ExecStart=/usr/local/bin/|\s*- run: )(nixfleet [^|\n]+)`)
	for _, name := range []string{"nixfleet-reboots.service", "reboots.yml"} {
		text, err := os.ReadFile(filepath.Join("../../examples/reboots", name))
		if err != nil {
			t.Fatal(err)
		}
		found := calls.FindAllSubmatch(text, -1)
		if len(found) != 1 {
			t.Errorf("%s calls nixfleet %d times", name, len(found))
		}
		for _, call := range found {
			line := string(call[1])
			if err := reads(strings.Fields(line)); err != nil || !strings.Contains(line, "--due") {
				t.Errorf("%s: %s: %v", name, line, err)
			}
		}
	}
}
