package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// observe asks a host about itself and, with a plan, what would be done to it; and
// makes sure that the whole root directory is what it was.
func (w *world) observe(p *plan, sensitive bool) *protocol.ObserveReply {
	w.t.Helper()
	before := w.treeHash()
	c, ask := w.connect(), protocol.ObserveRequest{Sensitive: sensitive}
	if p != nil {
		c.Head.Digest, ask.Part = p.part.Digest, p.ask()
	}
	reply, err := call(c.caller, protocol.Observe, ask)
	w.hangUp()
	if err != nil {
		w.t.Fatal(err)
	}
	if after := w.treeHash(); after != before {
		w.t.Fatal("looking at the host changed it")
	}
	return reply
}

// treeHash is over everything below the root directory, times of change included.
func (w *world) treeHash() string {
	w.t.Helper()
	hash := sha256.New()
	err := filepath.WalkDir(w.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat, _ := info.Sys().(*syscall.Stat_t)
		fmt.Fprintln(hash, path, info.Mode(), stat.Uid, stat.Gid, info.ModTime(), stat.Ino, stat.Ctim)
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			hash.Write(content)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

func drifts(o schema.Observation) string {
	var lines []string
	for _, drift := range o.Drift {
		text := drift.String()
		if drift.Stays {
			text += " (stays)"
		}
		lines = append(lines, text)
	}
	for _, problem := range o.Problems {
		lines = append(lines, "problem: "+problem)
	}
	return strings.Join(lines, "\n")
}

func managedHost() intent {
	return intent{
		groups:      []schema.Group{{Name: "app", System: true}},
		users:       []schema.User{user("app")},
		directories: []schema.Directory{directory("/srv/app", "0750")},
		files: []schema.File{
			file("/etc/app.conf", "listen 80\n"), file("/etc/app.mode", "x"), file("/etc/app.gone", "x"), file("/etc/app.link", "x"), file("/etc/app.dir", "x"),
			{Path: "/etc/app.target", Symlink: "/etc/app.conf", Mode: "0777", Owner: "root", Group: "root"},
			{Path: "/etc/app.secret", Payload: "key 1\n", Mode: "0600", Owner: "root", Group: "root"},
		},
		units: []schema.Unit{
			service("edited.service", "ExecStart=run"), service("stopped.service", "ExecStart=run"), service("disabled.service", "ExecStart=run"),
			service("masked.service", "ExecStart=run"), service("broken.service", "ExecStart=run"), service("dropped-in.service", "ExecStart=run"),
			service("well.service", "ExecStart=run"),
		},
		masks: []schema.UnitName{"noise.service"},
	}
}

func TestAHostThatIsAsItWasAppliedHasNoDrift(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	if o := w.observe(nil, false).Observation; o.Applied != nil || len(o.Drift) > 0 || o.Drift == nil || o.Units == nil {
		t.Errorf("before the first apply: %+v", o)
	}
	w.mustExecute(managedHost())
	w.hangUp()
	o := w.observe(nil, false).Observation
	if drifts(o) != "" {
		t.Errorf("drift where there is none:\n%s", drifts(o))
	}
	if o.Applied == nil || o.Applied.Run != "r1" || o.Applied.Operator != "ann@desk" || o.Name != "web-1" || len(o.Units) != 7 || o.OS == "" || len(o.Disks) == 0 || o.At.IsZero() || o.Lease != nil || o.Unfinished != nil {
		t.Errorf("found %+v", o)
	}
	for _, u := range o.Units {
		if u.Unwell != "" || u.Active != "active" {
			t.Errorf("found %+v", u)
		}
	}
}

// editByHand does to a host what people do.
func editByHand(w *world) {
	w.write("/etc/app.conf", "listen 8080\n", 0o644)
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	must(os.Chmod(w.at("/etc/app.mode"), 0o666))
	must(os.Chown(w.at("/etc/app.mode"), 1, 50))
	must(os.Remove(w.at("/etc/app.gone")))
	must(os.Remove(w.at("/etc/app.link")))
	must(os.Symlink("/etc/passwd", w.at("/etc/app.link")))
	must(os.Remove(w.at("/etc/app.dir")))
	must(os.Mkdir(w.at("/etc/app.dir"), 0o755))
	must(os.Remove(w.at("/etc/app.target")))
	must(os.Symlink("elsewhere", w.at("/etc/app.target")))
	must(os.Chmod(w.at("/srv/app"), 0o777))
	w.write("/etc/passwd", strings.Replace(w.read("/etc/passwd"), ":/nonexistent:/usr/sbin/nologin", ":/nonexistent:/bin/bash", 1), 0o644)
	w.write(schema.UnitDirectory+"/edited.service", "ExecStart=run\n# by hand", 0o644)
	w.systemd.state["stopped.service"] = unit.Status{Active: "inactive", Sub: "dead"}
	w.systemd.state["broken.service"] = unitFailed
	must(os.Remove(w.at(schema.UnitDirectory + "/multi-user.target.wants/disabled.service")))
	must(os.Remove(w.at(schema.UnitDirectory + "/masked.service")))
	must(os.Symlink("/dev/null", w.at(schema.UnitDirectory+"/masked.service")))
	must(os.Remove(w.at(schema.UnitDirectory + "/noise.service")))
	w.write(schema.UnitDirectory+"/dropped-in.service.d/override.conf", "[Service]\n", 0o644)
}

func TestEditsByHandAreDrift(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(managedHost())
	w.hangUp()
	editByHand(w)
	o := w.observe(nil, false).Observation
	autogold.Expect(`file /etc/app.conf: content was edited
file /etc/app.dir: is a directory instead of a file
file /etc/app.gone: is missing
file /etc/app.link: is a symbolic link to /etc/passwd instead of a file
file /etc/app.mode: mode 0644 -> 0666, owner root -> daemon, group root -> staff
file /etc/app.target: target /etc/app.conf -> elsewhere
directory /srv/app: mode 0750 -> 0777
user app: shell /usr/sbin/nologin -> /bin/bash
unit broken.service: is failed (failed) instead of active
unit disabled.service: is not enabled: multi-user.target.wants/disabled.service is missing
unit edited.service: content was edited
unit masked.service: is masked: by hand
unit noise.service: is not masked
unit stopped.service: is inactive (dead) instead of active
unit dropped-in.service: has a drop-in of somebody else's, /etc/systemd/system/dropped-in.service.d/override.conf (stays)`).Equal(t, drifts(o))
	unwell := map[schema.UnitName]string{}
	for _, u := range o.Units {
		if u.Unwell != "" {
			unwell[u.Name] = u.Unwell
		}
	}
	autogold.Expect(map[schema.UnitName]string{
		schema.UnitName("broken.service"):  "failed",
		schema.UnitName("stopped.service"): "does not run",
	}).Equal(t, unwell)
}

// Drift and what an execution of the same plan would do are one.
func TestDriftIsWhatAnExecutionPutsRight(t *testing.T) {
	needRoot(t)
	for name, edit := range map[string]func(*world){
		"content": func(w *world) { w.write("/etc/app.conf", "other\n", 0o644) },
		"mode":    func(w *world) { _ = os.Chmod(w.at("/etc/app.conf"), 0o600) },
		"gone":    func(w *world) { _ = os.Remove(w.at("/etc/app.gone")) },
		"stopped": func(w *world) { w.systemd.state["well.service"] = unit.Status{Active: "inactive", Sub: "dead"} },
		"failed":  func(w *world) { w.systemd.state["well.service"] = unitFailed },
		"unread": func(w *world) {
			w.systemd.loaded["well.service"] = "another text"
		},
		"user": func(w *world) {
			w.write("/etc/passwd", strings.Replace(w.read("/etc/passwd"), "/nonexistent", "/home", 1), 0o644)
		},
		"directory": func(w *world) { _ = os.Remove(w.at("/srv/app")) },
		"unmasked":  func(w *world) { _ = os.Remove(w.at(schema.UnitDirectory + "/noise.service")) },
		"disabled": func(w *world) {
			_ = os.Remove(w.at(schema.UnitDirectory + "/multi-user.target.wants/well.service"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustExecute(managedHost())
			w.hangUp()
			edit(w)
			if o := w.observe(nil, false).Observation; drifts(o) == "" {
				t.Error("no drift is seen")
			}
			if hello, err := w.connect().hello(managedHost().plan(t)); err != nil || hello.Unchanged {
				t.Errorf("an execution sees nothing: %+v, %v", hello, err)
			}
			w.hangUp()
			w.mustExecute(managedHost())
			w.hangUp()
			if o := w.observe(nil, false).Observation; drifts(o) != "" {
				t.Errorf("drift after it was put right: %s", drifts(o))
			}
		})
	}
}

func proposalText(p *protocol.Proposal) string {
	var out strings.Builder
	for _, r := range p.Refusals {
		fmt.Fprintf(&out, "refuse: %s\n", r.Message)
	}
	out.WriteString(summary(p.Changes) + "\n")
	state := func(s *protocol.FileState) string {
		if s == nil {
			return "nothing"
		}
		text := fmt.Sprintf("%s %s %s:%s %s%s", s.Type, s.Mode, s.Owner, s.Group, s.Target, s.Source)
		if s.Content != nil && s.Content.Text != nil {
			text += fmt.Sprintf(" %q", *s.Content.Text)
		}
		return strings.TrimSpace(text)
	}
	for _, f := range p.Files {
		fmt.Fprintf(&out, "%s %s (%s, hidden %v)\n  applied %s\n  live    %s\n  wanted  %s\n", f.Action, f.Path, f.Unit, f.Hidden, state(f.Applied), state(f.Live), state(f.Wanted))
	}
	return out.String()
}

func TestAProposalTellsOfFilesInThreeStates(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	before := intent{
		files: []schema.File{file("/etc/a.conf", "one\n"), file("/etc/drop.conf", "drop\n"), {Path: "/etc/key", Payload: "old key\n", Mode: "0600", Owner: "root", Group: "root"}},
		units: []schema.Unit{service("web.service", "ExecStart=run")},
	}
	w.mustExecute(before)
	w.hangUp()
	w.write("/etc/a.conf", "one, by hand\n", 0o600)
	after := intent{
		directories: []schema.Directory{directory("/etc/closed", "0700")},
		files: []schema.File{
			file("/etc/a.conf", "two\n"), file("/etc/new.conf", "new\n"), file("/etc/closed/open.conf", "open\n"),
			{Path: "/etc/key", Payload: "new key\n", Mode: "0600", Owner: "root", Group: "root"},
		},
		units:    []schema.Unit{service("web.service", "ExecStart=run\n# 2")},
		restarts: []schema.RestartRule{{Unit: "web.service", Restart: []string{"/etc/a.conf"}}},
	}
	autogold.Expect(`stop unit web.service (its unit changed)
remove file /etc/drop.conf
create directory /etc/closed
update file /etc/a.conf (content, mode 0600 -> 0644)
create file /etc/closed/open.conf
update file /etc/key (content)
create file /etc/new.conf
update unit web.service (content)
start unit web.service (its unit changed)
update /etc/a.conf (, hidden true)
  applied file 0644 root:root
  live    file 0600 root:root
  wanted  file 0644 root:root
create /etc/closed (, hidden false)
  applied nothing
  live    nothing
  wanted  directory 0700 root:root
create /etc/closed/open.conf (, hidden true)
  applied nothing
  live    nothing
  wanted  file 0644 root:root
remove /etc/drop.conf (, hidden false)
  applied file 0644 root:root
  live    file 0644 root:root  "drop\n"
  wanted  nothing
update /etc/key (, hidden true)
  applied file 0600 root:root
  live    file 0600 root:root
  wanted  file 0600 root:root
create /etc/new.conf (, hidden false)
  applied nothing
  live    nothing
  wanted  file 0644 root:root
update /etc/systemd/system/web.service (web.service, hidden false)
  applied file 0644 root:root
  live    file 0644 root:root  "ExecStart=run"
  wanted  file 0644 root:root
`).Equal(t, proposalText(w.observe(after.plan(t), false).Proposal))
	sensitive := proposalText(w.observe(after.plan(t), true).Proposal)
	if !strings.Contains(sensitive, `"old key\n"`) || !strings.Contains(sensitive, `"one, by hand\n"`) {
		t.Errorf("sensitive contents were asked for and are not told:\n%s", sensitive)
	}
}

// A proposal names what an execution would refuse, all of it, and goes on.
func TestAProposalNamesWhatIsInTheWay(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.write("/etc/theirs", "theirs", 0o644)
	p := intent{files: []schema.File{file("/etc/theirs", "ours\n"), file("/etc/new", "new\n")}}.plan(t)
	autogold.Expect(`refuse: /etc/theirs exists and NixFleet did not create it: expected nothing, found a file with mode 0644, owner root and group root
create file /etc/new
create /etc/new (, hidden false)
  applied nothing
  live    nothing
  wanted  file 0644 root:root
`).Equal(t, proposalText(w.observe(p, false).Proposal))
}

// Who is at work, what was not finished and how the last change ended is told.
func TestWorkOnTheHostIsTold(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(intent{files: []schema.File{file("/etc/a", "1")}})
	w.hangUp()
	o := w.observe(nil, false).Observation
	if o.LastChange == nil || o.LastChange.Outcome != "applied" || o.LastChange.Run != "r1" || o.LastChange.Operator != "ann@desk" || o.Unfinished != nil {
		t.Errorf("after an apply: %+v, %+v", o.LastChange, o.Unfinished)
	}
	if _, err := w.execute(intent{units: []schema.Unit{service("a.service", "ExecStart=fail")}}.plan(t)); err == nil {
		t.Fatal("a failing unit is no failure")
	}
	w.hangUp()
	o = w.observe(nil, false).Observation
	if o.LastChange == nil || o.LastChange.Outcome != "rolled-back" || !strings.Contains(o.LastChange.Message, "a.service failed") {
		t.Errorf("after a rollback: %+v", o.LastChange)
	}
	if o.Applied == nil || drifts(o) != "" {
		t.Errorf("what was rolled back is drift: %s", drifts(o))
	}
	store := state.New(w.root, nil)
	order := transaction.Order{ID: "r9-9", Kind: transaction.Apply, Host: "web-1", Run: "r9", Epoch: 9, Operator: "bob@desk", Digest: schema.DigestOf(nil)}
	if err := transaction.SaveOrder(store, order); err != nil {
		t.Fatal(err)
	}
	o = w.observe(nil, false).Observation
	if u := o.Unfinished; u == nil || u.Run != "r9" || u.Operator != "bob@desk" || u.State != "interrupted" {
		t.Errorf("an interrupted change: %+v, %q", u, o.Problems)
	}
}

// What is too large to be read stays where it is; so does all beyond a bound.
func TestLargeContentsStayOnTheHost(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(intent{files: []schema.File{file("/etc/large", "1"), file("/etc/small", "1")}})
	w.hangUp()
	w.write("/etc/large", strings.Repeat("x", 600<<10), 0o644)
	w.write("/etc/small", strings.Repeat("x", 400<<10), 0o644)
	after := intent{files: []schema.File{file("/etc/large", "2"), file("/etc/small", "2")}}
	for _, detail := range w.observe(after.plan(t), false).Proposal.Files {
		if told := detail.Live.Content != nil; told != (detail.Path == "/etc/small") {
			t.Errorf("%s of %d bytes: told %v", detail.Path, detail.Live.Size, told)
		}
	}
}

// A host whose systemd does not answer tells the rest.
func TestWhatCannotBeSeenIsNamed(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(managedHost())
	w.hangUp()
	w.deps.Units = silentSystemd{w.systemd}
	o := w.observe(nil, false).Observation
	if o.Applied == nil || len(o.Disks) == 0 || len(o.Problems) != 1 || !strings.Contains(o.Problems[0], "systemd does not answer") {
		t.Errorf("found %+v", o)
	}
}

type silentSystemd struct{ *fakeSystemd }

func (silentSystemd) List(context.Context, []schema.UnitName) (map[schema.UnitName]unit.Status, error) {
	return nil, errors.New("systemd does not answer")
}
