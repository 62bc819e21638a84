package host

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/schema"
)

// validated is a file that a command must accept.
func validated(path, text, command string) schema.File {
	f := file(path, text)
	f.Validate = command
	return f
}

// Not parallel, as all tests with real processes: for an instant each child holds
// the locks of all hosts that are at work beside it.
func TestFilesThatAreNotAccepted(t *testing.T) {
	needRoot(t)
	for _, c := range []struct {
		name, command string
		want          autogold.Value
	}{
		{"with a complaint", `echo "parsing %s"; grep -n port %s >&2; exit 3`, autogold.Expect(`/etc/app/app.conf is not accepted: "echo \"parsing %s\"; grep -n port %s >&2; exit 3" exited with status 3
  the last lines of its output:
    parsing /etc/app/app.conf
    1:port 99999
hint: correct the file in the intent; nothing on the host was changed`)},
		{"without a word", "false", autogold.Expect(`/etc/app/app.conf is not accepted: "false" exited with status 1 and wrote nothing
hint: correct the file in the intent; nothing on the host was changed`)},
		{"by a command that is not there", "checkit %s 2>/dev/null", autogold.Expect(`/etc/app/app.conf is not accepted: "checkit %s 2>/dev/null" exited with status 127 and wrote nothing
hint: correct the file in the intent; nothing on the host was changed`)},
		{"by a command that is killed", "kill -9 $$", autogold.Expect(`/etc/app/app.conf is not accepted: "kill -9 $$" failed: signal: killed and wrote nothing
hint: correct the file in the intent; nothing on the host was changed`)},
		{"at length", "seq 1000; printf 'x%.0s' $(seq 1000); false", autogold.Expect("/etc/app/app.conf is not accepted: \"seq 1000; printf 'x%.0s' $(seq 1000); false\" exited with status 1\n  the last lines of its output:\n    992\n    993\n    994\n    995\n    996\n    997\n    998\n    999\n    1000\n    " + strings.Repeat("x", 400) + "…\nhint: correct the file in the intent; nothing on the host was changed")},
		{"because the command edits it", "echo more >>%s", autogold.Expect(`/etc/app/app.conf is not accepted: "echo more >>%s" has changed it
hint: correct the file in the intent; nothing on the host was changed`)},
		{"because the command removes it", "rm %s", autogold.Expect(`/etc/app/app.conf is not accepted: "rm %s" has changed it
hint: correct the file in the intent; nothing on the host was changed`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.mustExecute(webHost())
			before, known := w.snapshot(), w.read("/var/lib/nixfleet/state.json")
			i := webHost()
			i.files[0].Payload = "port 1\n"
			i.files = append(i.files, validated("/etc/app/app.conf", "port 99999\n", c.command))
			c.want.Equal(t, w.refusal(i.plan(t)))
			if after := w.snapshot(); after != before {
				t.Errorf("the host was touched: before\n%s\nafter\n%s", before, after)
			}
			if found := w.read("/var/lib/nixfleet/state.json"); found != known {
				t.Errorf("the state was %s and is %s", known, found)
			}
			w.mustBeClean()
			w.mustBeUnchanged(webHost())
		})
	}
}

// Commands see the file as it will be, by a name with its suffix; they run in the C
// locale, as leaders of their own session; and only for files that change.
func TestCommandsThatAcceptFiles(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	log := t.TempDir() + "/log"
	command := `{ cat "%s"; stat -c '%%a' %s; case %s in *.json) echo json;; esac; echo $LC_ALL; test "$(cut -d' ' -f6 /proc/$$/stat)" = $$ && echo session; read x || echo no input; } >>` + log
	command = strings.ReplaceAll(command, "%%", "%")
	i := intent{files: []schema.File{validated("/etc/app.json", "one", command), file("/etc/other", "1")}}
	i.files[0].Mode = "0640"
	w.mustExecute(i)
	i.files[1].Payload = "2"
	w.mustExecute(i) // which is not about the file
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	autogold.Expect("one640\njson\nC\nsession\nno input\n").Equal(t, string(content))
	autogold.Expect([]string{"stage", "files"}).Equal(t, w.client.stages)
	i.files[0].Mode = "0600"
	w.mustExecute(i)
	autogold.Expect([]string{"stage", "validate", "files"}).Equal(t, w.client.stages)
}

func TestACommandThatDoesNotEnd(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	shell := w.deps.Shell
	w.deps.Shell = func(ctx context.Context, line string) ([]byte, error) {
		if deadline, ok := ctx.Deadline(); !ok || deadline.IsZero() {
			t.Error("there is no deadline")
		}
		ctx, cancel := context.WithTimeout(ctx, 200e6)
		defer cancel()
		return shell(ctx, line)
	}
	autogold.Expect(`/etc/x is not accepted: "echo waiting; sleep 1000 & sleep 1000" has not ended after 1m0s
  the last lines of its output:
    waiting
hint: correct the file in the intent; nothing on the host was changed`).Equal(t, w.refusal(intent{files: []schema.File{validated("/etc/x", "1", "echo waiting; sleep 1000 & sleep 1000")}}.plan(t)))
	if known, err := state.New(w.root, nil).Load(); err != nil || mustUnfinished(t, w) != nil {
		t.Errorf("the state says %+v, %v", known, err)
	}
}

func TestStrangePathsOfStagingDirectories(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.deps.Root = w.root + " it's a $(root)"
	if err := os.Symlink(w.root, w.deps.Root); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(w.deps.Root) })
	i := intent{files: []schema.File{validated("/etc/a.$(false)", "one", "grep -q one %s")}}
	w.mustExecute(i)
	w.mustBeUnchanged(i)
}
