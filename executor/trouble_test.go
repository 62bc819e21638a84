package executor

import (
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
	"github.com/nixfleet/nixfleet/schema"
	"golang.org/x/crypto/ssh"
)

// What can be wrong with a host before anything is asked of it: nothing is
// touched, and the message says what to do.
func TestHostTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		host    func(*simhost.State)
		server  func(*sshtest.Settings)
		outcome schema.Outcome
		says    []string
	}{
		"password": {
			host: func(s *simhost.State) { s.Sudo = "sudo: a password is required" },
			says: []string{`sudo on web-1 wants a password of "deploy"`, "hint: as root on web-1, in /etc/sudoers.d/nixfleet:",
				"deploy ALL=(root) NOPASSWD: /var/lib/nixfleet/bin/nixfleet-host serve, /var/lib/nixfleet/bin/nixfleet-host store"},
		},
		"password, and no helper": {
			host: func(s *simhost.State) { s.Sudo, s.Helper = "sudo: a password is required", nil },
			says: []string{`the helper is not on web-1, and sudo does not let "deploy" install it`, "hint: put it there as root: nixfleet helper x86_64-linux | ssh root@web-1 'install -D -m 0755 /dev/stdin /var/lib/nixfleet/bin/nixfleet-host'"},
		},
		"not a sudoer": {
			host: func(s *simhost.State) { s.Sudo = "deploy is not in the sudoers file." },
			says: []string{`sudo on web-1 does not allow "deploy" to run the helper`},
		},
		"requiretty": {
			host: func(s *simhost.State) { s.Sudo = "sudo: sorry, you must have a tty to run sudo" },
			says: []string{"sudo on web-1 wants a terminal (requiretty)", "Defaults:deploy !requiretty"},
		},
		"no sudo": {
			host: func(s *simhost.State) { s.Sudo = "bash: line 1: sudo: command not found" },
			says: []string{"there is no sudo on web-1", "hint: as root on the host: apt install sudo"},
		},
		"wrong architecture of the helper": {
			host: func(s *simhost.State) {
				s.HelperSays, s.HelperExit = "sudo: unable to execute /var/lib/nixfleet/bin/nixfleet-host: Exec format error", 126
			},
			says: []string{"the helper on web-1 is for another architecture, or damaged: ", "Exec format error", "hint: correct the host's system"},
		},
		"wrong architecture of the helper, as sudo tells it": {
			host: func(s *simhost.State) {
				s.HelperSays, s.HelperExit = `/var/lib/nixfleet/bin/nixfleet-host: 2: Syntax error: ")" unexpected`, 2
			},
			says: []string{"the helper on web-1 is for another architecture, or damaged: ", `Syntax error: ")" unexpected`},
		},
		"wrong architecture of the host": {
			host: func(s *simhost.State) { s.Machine = "Linux aarch64" },
			says: []string{"wrong architecture of web-1: expected x86_64-linux, found aarch64-linux", "hint: correct the host's system"},
		},
		"wrong architecture, no helper": {
			host: func(s *simhost.State) { s.Machine, s.Helper = "Linux aarch64", nil },
			says: []string{"wrong architecture of web-1: expected x86_64-linux (Linux x86_64), found Linux aarch64"},
		},
		"no helper, and sudo is for the helper only": {
			host: func(s *simhost.State) { s.Helper, s.Uploads = nil, false },
			says: []string{`the helper is not on web-1, and sudo does not let "deploy" install it`},
		},
		"noise": {
			host: func(s *simhost.State) { s.Noise = "\nWelcome to web-1!\n" },
			says: []string{`the login shell of "deploy" on web-1 prints text where only the helper may speak: expected a message, found "Welcome to web-1!"`, "[ -t 1 ] || return"},
		},
		"no shell": {
			host: func(s *simhost.State) { s.Sudo = "This account is currently not available." },
			says: []string{`the account "deploy" on web-1 has no shell`},
		},
		"a helper that dies": {
			host: func(s *simhost.State) { s.OnHello = func(*simhost.Session) error { return simhost.ErrDie } },
			says: []string{"the helper on web-1 ended without a reply: exit status 2: panic: it died"},
		},
		"a helper that dies later": {
			host: func(s *simhost.State) { s.OnPrepare = func(*simhost.Session) error { return simhost.ErrDie } },
			says: []string{`the helper on web-1 ended during "prepare": exit status 2: panic: it died`},
		},
		"busy": {
			host: func(s *simhost.State) { s.Holder = "20260101-000000-others" },
			says: []string{"locked by run 20260101-000000-others, started 2026-01-01T12:00:00Z, by bob@desk"},
		},
		"login": {
			server: func(s *sshtest.Settings) { s.Authorized = nil },
			says:   []string{`does not let "deploy" log in: it does not accept the key from`},
		},
		"host key": {
			server: func(s *sshtest.Settings) { s.HostKeys = []ssh.Signer{sshtest.NewKey(t)} },
			says:   []string{"the host key of web-1 (127.0.0.1:", "is not the one in the plan: expected ssh-ed25519 SHA256:", ", found ssh-ed25519 SHA256:"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1)
			if c.host != nil {
				f.only().Set(c.host)
			}
			if c.server != nil {
				f.only().Server.Set(c.server)
			}
			record := f.execute()
			wantHost(t, record, "web-1", schema.HostRefused, c.says...)
			if record.Verdict != schema.Refused {
				t.Errorf("verdict %s", record.Verdict)
			}
			if calls := f.only().Calls(); strings.Contains(calls, "begin") || strings.Contains(calls, "store") {
				t.Errorf("the host was touched: %s", calls)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	f := newFleet(t, 2)
	f.hosts["web-1"].Server.Stop()
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostUnreachable, "cannot connect to web-1 (127.0.0.1:", "connection refused")
	wantHost(t, record, "web-2", schema.HostChanged)
	if record.Verdict != schema.Failed {
		t.Errorf("verdict %s", record.Verdict)
	}
	if n := strings.Count(f.notes(), "trying again"); n != 2 {
		t.Errorf("tried again %d times", n)
	}
}

// A link that breaks before the apply has done no harm: it goes on anew.
func TestLinkBreaksBeforeApply(t *testing.T) {
	f := newFleet(t, 1)
	times := 0
	f.only().Set(func(s *simhost.State) {
		s.OnPrepare = func(session *simhost.Session) error {
			if times++; times == 1 {
				return simhost.ErrCut
			}
			return nil
		}
	})
	wantHost(t, f.execute(), "web-1", schema.HostChanged)
	if !strings.Contains(f.notes(), "trying again: lost the connection to web-1") {
		t.Errorf("notes: %s", f.notes())
	}
}

func TestInstallsTheHelper(t *testing.T) {
	f := newFleet(t, 1)
	f.only().Set(func(s *simhost.State) { s.Helper = nil })
	wantHost(t, f.execute(), "web-1", schema.HostChanged)
	if got, want := f.only().Calls(), "serve uname upload serve hello prepare store payloads prepare begin attach"; got != want {
		t.Errorf("asked %q instead of %q", got, want)
	}
	if !strings.Contains(f.notes(), "installed the helper "+schema.DigestOf(helperBinary).Short()) {
		t.Errorf("notes: %s", f.notes())
	}
}

func TestReplacesTheHelper(t *testing.T) {
	f := newFleet(t, 1)
	f.only().Set(func(s *simhost.State) { s.Helper = []byte("an older helper") })
	wantHost(t, f.execute(), "web-1", schema.HostChanged)
	if got, want := f.only().Calls(), "serve hello replace-helper serve hello prepare store payloads prepare begin attach"; got != want {
		t.Errorf("asked %q instead of %q", got, want)
	}

	// One that speaks another protocol is not even heard.
	f.only().Set(func(s *simhost.State) { s.Version = 0 })
	wantHost(t, f.execute(), "web-1", schema.HostUnchanged)

	f.deps.Helpers = func(schema.System) ([]byte, error) { return []byte("a newer helper"), nil }
	f.only().Set(func(s *simhost.State) { s.Helper = []byte("an older helper") })
	wantHost(t, f.execute(), "web-1", schema.HostRefused, "this program brings another helper for x86_64-linux than the plan names: expected "+string(schema.DigestOf(helperBinary)),
		"hint: execute with the version of nixfleet that compiled the plan")

	// In a dry run nothing is replaced, and the older one does.
	f.options.DryRun = true
	wantHost(t, f.execute(), "web-1", schema.HostUnchanged)
}

// A reply that cannot be read is told at once.
func TestUnreadableReply(t *testing.T) {
	f := newFleet(t, 1)
	f.only().Set(func(s *simhost.State) {
		s.OnHello = func(session *simhost.Session) error {
			_, _ = session.Command.Stdout.Write([]byte("\x00\x00\x00\x02\x00\x00\x00\x00[]"))
			return nil
		}
	})
	begun := time.Now()
	wantHost(t, f.execute(), "web-1", schema.HostRefused, "cannot understand the helper on web-1: cannot read the head of a message: json: cannot unmarshal array")
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("told after %s", took)
	}
}
