package transport

import (
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
)

func TestSettings(t *testing.T) {
	s := newSite(t)
	s.write(".ssh/config", `
Include more.conf
Host web-*
  IdentityFile "~/keys/web key"
  UserKnownHostsFile ~/a ~/b
  ServerAliveInterval 5
Host 10.0.0.7
  ConnectTimeout 3
  User ignored
  ProxyJump bastion
Host *
  ConnectTimeout 9
  IdentitiesOnly yes
`)
	s.write("system", "Host *\n ServerAliveInterval 60\n ServerAliveCountMax 7\n GlobalKnownHostsFile /g\n")
	s.env.ConfigFiles = append(s.env.ConfigFiles, s.env.Home+"/system", s.env.Home+"/missing")
	config, err := loadConfig(s.env)
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.settingsFor("web-1", "10.0.0.7")
	if err != nil {
		t.Fatal(err)
	}
	// The name is asked before the address, as it would be if it were typed after ssh.
	if got.connectTimeout != 9*time.Second {
		t.Errorf("ConnectTimeout %s", got.connectTimeout)
	}
	if got.aliveInterval != 5*time.Second || got.aliveCount != 7 {
		t.Errorf("ServerAlive %s × %d", got.aliveInterval, got.aliveCount)
	}
	if len(got.identityFiles) != 1 || got.identityFiles[0] != "~/keys/web key" || !got.identitiesOnly {
		t.Errorf("IdentityFile %q, %v", got.identityFiles, got.identitiesOnly)
	}
	if got.proxyJump != "bastion" {
		t.Errorf("ProxyJump %q", got.proxyJump)
	}
	if want := []string{"~/a", "~/b", "/g"}; len(got.knownHosts) != 3 || got.knownHosts[0] != want[0] || got.knownHosts[2] != want[2] {
		t.Errorf("known_hosts %q", got.knownHosts)
	}
}

func TestSettingsErrors(t *testing.T) {
	for text, want := range map[string]string{
		"Match exec \"true\"\n User x\n":    "cannot read the SSH configuration ",
		"Host *\n ProxyCommand nc %h %p\n":  `has ProxyCommand "nc %h %p", which NixFleet does not run`,
		"Host *\n ConnectTimeout soon\n":    `cannot use the SSH configuration of web-1: ConnectTimeout: expected seconds, found "soon"`,
		"Host *\n ServerAliveCountMax -1\n": `ServerAliveCountMax: expected a number, found "-1"`,
	} {
		s := newSite(t)
		s.write(".ssh/config", text)
		_, err := s.dial(Host{Name: "web-1", Address: "127.0.0.1"})
		wantError(t, err, fault.Refused, want)
	}
}

func TestExpand(t *testing.T) {
	env := Env{Home: "/home/alice", User: "alice", Getenv: func(string) string { return "value" }}
	for name, want := range map[string]string{
		"~/.ssh/id":         "/home/alice/.ssh/id",
		"/k/%r@%h:%p-%u%%":  "/k/deploy@10.0.0.7:22-alice%",
		"${SSH_DIR}/id":     "value/id",
		"%d/.ssh/known_%%h": "/home/alice/.ssh/known_%h",
	} {
		if got := env.expand(name, "10.0.0.7", "deploy", 22); got != want {
			t.Errorf("%q became %q instead of %q", name, got, want)
		}
	}
}
