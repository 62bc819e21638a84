package host

import (
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/schema"
)

// called returns the plan for a host of another name.
func (i intent) called(t *testing.T, name schema.HostName) *plan {
	p := i.plan(t)
	p.part.Index.Hosts = map[schema.HostName]schema.Host{name: p.part.Index.Hosts[p.part.Host]}
	p.part.Host = name
	p.seal(t)
	return p
}

func TestRenamedHostTakesTheNameOfItsPlan(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(webHost())
	for _, want := range []string{"unchanged", "unchanged"} {
		verdict, err := w.execute(webHost().called(t, "web-9"))
		if err != nil || string(verdict.Outcome) != want || len(verdict.Changes) > 0 {
			t.Fatalf("expected %s, found %+v, %v", want, verdict, err)
		}
	}
	known, err := state.New(w.root, nil).Load()
	if err != nil || known.Host != "web-9" {
		t.Errorf("the host is called %q, %v", known.Host, err)
	}
	hello, err := w.connect().hello(webHost().called(t, "web-9"))
	if err != nil || !hello.Unchanged {
		t.Errorf("expected an unchanged host, found %+v, %v", hello, err)
	}
}

func TestDriftOfAUserHidesNoRefusalOfAFile(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := webHost()
	hook := file("/etc/webhook.conf", "1")
	hook.Group = "staff"
	i.files = append(i.files, hook)
	w.mustExecute(i)
	w.hangUp()
	w.tools.edit("/etc/group", without("staff"))
	w.tools.edit("/etc/passwd", func(lines [][]string) [][]string {
		for _, l := range lines {
			if l[0] == "web" {
				l[6] = "/bin/sh"
			}
		}
		return lines
	})
	autogold.Expect(`file /etc/webhook.conf: the group "staff" of /etc/webhook.conf exists neither on the host nor in the manifest
user web: shell /usr/sbin/nologin -> /bin/sh`).Equal(t, drifts(w.observe(nil, false).Observation))
}
