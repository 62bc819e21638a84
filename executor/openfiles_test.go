package executor

import (
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

func TestOpenFiles(t *testing.T) {
	for _, c := range []struct {
		hosts int
		most  uint64
		says  string
	}{
		{500, 1050, ""},
		{500, 1024, "cannot take 500 hosts at once: that needs 1050 open files, and this process may have 1024\nhint: --parallel 487; or raise the limit: "},
		{487, 1024, ""},
		{1, 51, "cannot take 1 hosts at once: that needs 52 open files, and this process may have 51\nhint: raise the limit: "},
	} {
		switch err := checkOpenFiles(c.hosts, c.most); {
		case err == nil && c.says != "":
			t.Errorf("%d hosts with %d files are let in", c.hosts, c.most)
		case err != nil && (c.says == "" || !strings.Contains(schema.InFull(err), c.says)):
			t.Errorf("expected %q in: %v", c.says, err)
		}
	}
}
