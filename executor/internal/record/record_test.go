package record

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

func TestRunNamesSortAsRuns(t *testing.T) {
	at := time.Date(2026, 1, 2, 23, 59, 59, 0, time.FixedZone("east", 3600))
	first, err := NewRun(at, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	second, err := NewRun(at.Add(time.Second), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^20260102-225959-[0-9a-z]{6}$`).MatchString(first) || first >= second {
		t.Errorf("%s, then %s", first, second)
	}
	if _, err := NewRun(at, strings.NewReader("")); err == nil || !strings.Contains(err.Error(), "cannot name the run: ") {
		t.Errorf("without randomness: %v", err)
	}
}

func TestBook(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "nixfleet")
	book, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, verdict := range []schema.Verdict{"", schema.Done} {
		if err := book.Write(&schema.Record{Run: "one", Verdict: verdict}); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "runs", "one.json"))
	if err != nil || !strings.Contains(string(data), `"verdict": "done"`) {
		t.Errorf("%s, %v", data, err)
	}
	if entries, _ := os.ReadDir(filepath.Join(dir, "runs")); len(entries) != 1 {
		t.Errorf("%d files", len(entries))
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}

	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := book.Write(&schema.Record{Run: "two"}); err == nil || !strings.Contains(err.Error(), "cannot write the record of the run: ") {
		t.Errorf("without a directory: %v", err)
	}
	if _, err := Open("/dev/null"); err == nil || !strings.Contains(err.Error(), "cannot make the directory for records: ") {
		t.Errorf("in a file: %v", err)
	}
}
