package lab_test

import (
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
	"github.com/nixfleet/nixfleet/vm-tests/lab/labtest"
)

func TestBoot(t *testing.T) {
	l := labtest.Start(t, lab.Options{Hosts: []lab.HostSpec{
		{Name: "web-1"}, {Name: "web-2"}, {Name: "db-1", Release: lab.Trixie},
	}})
	for _, h := range l.Hosts() {
		out, err := l.Command(t.Context(), "ssh", "-F", l.SSHConfig, h.Name, "hostname; id -un; sudo -n -l | tail -2; nix --version; nix-store -q --roots /nix/store/x 2>&1 | head -1; systemctl is-system-running").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", h.Name, err, out)
		}
		t.Logf("%s", out)
		if !strings.HasPrefix(string(out), h.Name+"\ndeploy\n") {
			t.Errorf("%s", out)
		}
	}
}
