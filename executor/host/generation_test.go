package host

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/schema"
)

// Each manifest is a generation of the same number everywhere: kept, its closure
// rooted, until ten have come after it.
func TestGenerations(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.install()
	i := intent{closure: closure(), files: []schema.File{file("/etc/x", "0")}}
	for n := 1; n <= 13; n++ {
		i.files[0].Payload = schema.Digest(fmt.Sprint(n))
		if verdict := w.mustApply(i); verdict.Generation != n {
			t.Fatalf("expected generation %d, found %d", n, verdict.Generation)
		}
		var want []string
		for kept := max(1, n-9); kept <= n; kept++ {
			want = append(want, fmt.Sprint(kept))
		}
		found := w.names("/var/lib/nixfleet/generations")
		slices.Sort(want)
		if !slices.Equal(found, want) {
			t.Fatalf("expected the generations %v, found %v", want, found)
		}
		links := w.names("/nix/var/nix/profiles/nixfleet")
		for _, number := range want {
			if !slices.Contains(links, "system-"+number+"-link") {
				t.Errorf("nothing keeps the closure of generation %s: %v", number, links)
			}
		}
		if len(links) != len(want)+1 {
			t.Errorf("found the links %v", links)
		}
	}
	if ids := w.names("/var/lib/nixfleet/transactions"); len(ids) > 10 {
		t.Errorf("%d transactions are kept", len(ids))
	}
	entries, err := transaction.History(state.New(w.root, nil), 0)
	if err != nil || len(entries) != 13 || entries[0].Generation != 13 || entries[12].Generation != 1 || entries[3].Verdict != "applied" {
		t.Errorf("found %+v, %v", entries, err)
	}
	_, manifest, paths, err := state.New(w.root, nil).LoadGeneration(7)
	if err != nil || len(manifest.Files) != 1 || len(paths) != 2 {
		t.Errorf("found %+v, %+v, %v", manifest, paths, err)
	}
	if _, _, _, err := state.New(w.root, nil).LoadGeneration(2); err == nil || err.Error() != "the host does not have the generation 2: file does not exist" {
		t.Errorf("found %v", err)
	}
}

// What was edited by hand is overwritten, and kept; where the change is undone, it
// is back and no copy is left.
func TestEditsAreKept(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustApply(webHost())
	w.write("/etc/web/web.conf", "by hand\n", 0o640)
	next := webHost()
	next.files[0].Payload = "port 9090\n"
	w.systemd.broken = "web.service"
	if _, err := w.transact(next.plan(t)); err != nil {
		t.Fatal(err)
	}
	if w.read("/etc/web/web.conf") != "by hand\n" || len(w.names("/var/lib/nixfleet/edits")) > 0 {
		t.Error("the edit is not back, or copied as well")
	}
	w.systemd.broken, w.notes = "", nil
	w.mustApply(next)
	kept := w.names("/var/lib/nixfleet/edits")
	if len(kept) != 1 || w.read("/var/lib/nixfleet/edits/"+kept[0]+"/etc/web/web.conf") != "by hand\n" {
		t.Fatalf("the edit is not kept: %v", kept)
	}
	if want := "/etc/web/web.conf was edited by hand; the edited copy is /var/lib/nixfleet/edits/" + kept[0] + "/etc/web/web.conf"; !slices.Contains(w.notes, want) {
		t.Errorf("found the notes %s", strings.Join(w.notes, "\n"))
	}
	w.notes = nil
	next.files[0].Payload = "port 9091\n"
	w.mustApply(next)
	if len(w.names("/var/lib/nixfleet/edits")) != 1 {
		t.Error("what nobody edited is kept as an edit")
	}
}
