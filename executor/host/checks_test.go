package host

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// checked gives an intent a health check: a command, which is well while a file exists.
func checked(i intent, file string) intent {
	i.change = func(m *schema.Manifest) {
		m.HealthChecks = []schema.HealthCheck{
			{Name: "well", Kind: schema.CheckCommand, From: schema.OnHost, Command: "echo looking; test -e " + file, StartDelay: "0s", Interval: "1ms", Timeout: "5s", Retries: 1},
			{Name: "elsewhere", Kind: schema.CheckCommand, From: schema.OnController, Command: "false", StartDelay: "0s", Interval: "1ms", Timeout: "5s"},
		}
	}
	return i
}

func (c *client) health(manifest schema.Digest) (string, error) {
	reply, err := call(c.caller, protocol.Health, protocol.HealthRequest{Manifest: manifest})
	if err != nil {
		return "", err
	}
	return reply.Failure, nil
}

// A change after which a check fails is undone, and one after which all is well stays.
func TestFailedHealthCheckUndoesTheChange(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	marker := filepath.Join(t.TempDir(), "well")
	w.write("/etc/app.conf", "", 0o644)
	os.Remove(w.at("/etc/app.conf"))
	good := intent{files: []schema.File{file("/etc/app.conf", "1\n")}, units: []schema.Unit{service("a.service", "ExecStart=run")}}
	w.mustExecute(good)

	next := checked(intent{files: []schema.File{file("/etc/app.conf", "2\n")}, units: good.units}, marker)
	text := w.failure(next)
	for _, part := range []string{`health check "well" failed, asked 2 times from the host: "echo looking; test -e `, "exit status 1", "the last lines of its output:\n    looking"} {
		if !strings.Contains(text, part) {
			t.Errorf("expected %q in %s", part, text)
		}
	}
	if strings.Contains(text, "elsewhere") {
		t.Error("the host asked what the controller asks")
	}
	if got := w.read("/etc/app.conf"); got != "1\n" {
		t.Errorf("the file is %q", got)
	}
	w.mustBeUnchanged(good)

	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.mustExecute(next)
	if !slices.Contains(w.client.stages, "health") {
		t.Errorf("stages %q", w.client.stages)
	}
	w.mustBeUnchanged(next)

	// What goes back is not asked: the host may not have been well then either.
	w.mustExecute(good)
	os.Remove(marker)
	if _, err := w.goBack(protocol.BackRequest{To: "previous"}); err != nil {
		t.Error(err)
	}
	w.mustBeUnchanged(next)
}

// A host tells at any time whether it is well, by the checks of what was applied.
func TestHealthIsAskedLater(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	marker := filepath.Join(t.TempDir(), "well")
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	i := checked(intent{files: []schema.File{file("/etc/app.conf", "1\n")}}, marker)
	manifest := i.plan(t).manifest()
	if _, err := w.connect().health(manifest); err == nil || !strings.Contains(err.Error(), "something else was applied meanwhile") {
		t.Errorf("before anything was applied: %v", err)
	}
	w.mustExecute(i)
	if failure, err := w.connect().health(manifest); failure != "" || err != nil {
		t.Errorf("%q, %v", failure, err)
	}
	os.Remove(marker)
	c := w.connect()
	if failure, err := c.health(manifest); !strings.Contains(failure, `health check "well" failed, asked 2 times`) || err != nil {
		t.Errorf("%q, %v", failure, err)
	}
	if len(c.notes) != 1 || !strings.Contains(c.notes[0], "retrying, 1 try left") {
		t.Errorf("notes %q", c.notes)
	}
	if _, err := w.connect().health(schema.DigestOf([]byte("another"))); err == nil {
		t.Error("answered for another manifest")
	}
	w.mustBeUnchanged(i) // asking changes nothing
}

// Units are asked through systemd, ports on the host itself.
func TestHealthOfUnits(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := intent{units: []schema.Unit{service("a.service", "ExecStart=run")}, change: func(m *schema.Manifest) {
		m.HealthChecks = []schema.HealthCheck{{Name: "unit", Kind: schema.CheckUnit, From: schema.OnHost, Unit: "a.service", StartDelay: "0s", Interval: "1ms", Timeout: "5s"}}
	}}
	w.mustExecute(i)
	manifest := i.plan(t).manifest()
	if failure, err := w.connect().health(manifest); failure != "" || err != nil {
		t.Errorf("%q, %v", failure, err)
	}
	w.hangUp()
	w.systemd.state["a.service"] = unitFailed
	if failure, err := w.connect().health(manifest); !strings.Contains(failure, "a.service is failed") || err != nil {
		t.Errorf("%q, %v", failure, err)
	}
}
