package lab_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
	"github.com/nixfleet/nixfleet/vm-tests/lab/labtest"
)

// TestHosts boots one lab and looks at its hosts from all sides.
func TestHosts(t *testing.T) {
	labtest.Require(t)
	t.Parallel()
	helper := filepath.Join(t.TempDir(), "helper")
	if err := os.WriteFile(helper, []byte("#!/bin/sh\necho \"$(id -un): $*\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	l := labtest.Start(t, lab.Options{Helper: helper, Hosts: []lab.HostSpec{
		{Name: "web-1", Roles: []string{"web"}},
		{Name: "db-1", Release: lab.Trixie},
		{Name: "bare", Release: lab.Trixie, NoNix: true, Sudo: lab.SudoAll},
		{Name: "typist", Sudo: lab.SudoPassword},
	}})
	web, db, bare, typist := l.Host("web-1"), l.Host("db-1"), l.Host("bare"), l.Host("typist")

	t.Run("ssh library", func(t *testing.T) {
		for _, h := range l.Hosts() {
			if out := overSSH(t, l, h, "hostname; id -un; python3 -c 'print(1+1)'"); out != h.Name+"\ndeploy\n2\n" {
				t.Errorf("%s says %q", h.Name, out)
			}
		}
	})
	t.Run("ssh command", func(t *testing.T) {
		for _, name := range []string{"db-1", db.Addr} {
			out, err := l.Command(t.Context(), "ssh", "-F", l.SSHConfig, name, "hostname").Output()
			if err != nil || string(out) != "db-1\n" {
				t.Errorf("ssh %s: %q, %v", name, out, err)
			}
		}
	})
	t.Run("releases", func(t *testing.T) {
		for h, want := range map[*lab.Host]string{web: "12 nix (Nix) 2.8", db: "13 nix (Nix) 2.26"} {
			if got := run(t, h, `. /etc/os-release; echo "$VERSION_ID" "$(nix --version)"`); !strings.HasPrefix(got, want) {
				t.Errorf("%s has %q, want %q", h.Name, got, want)
			}
		}
	})
	t.Run("nix", func(t *testing.T) {
		for _, h := range []*lab.Host{web, db} {
			got := run(t, h, `p=$(nix-store --add /etc/hostname); cat "$p"; nix path-info "$p" | grep -c hostname; test -d /nix/var/nix/profiles
				NIX_REMOTE=daemon nix-store --check-validity "$p"; stat -c %a:%G /nix/store`)
			if got != h.Name+"\n1\n1775:nixbld" {
				t.Errorf("%s says %q", h.Name, got)
			}
		}
		if out, err := bare.Exec(t.Context(), "! command -v nix nix-store && ! ls /nix"); err != nil {
			t.Errorf("a host without Nix has some: %q", out)
		}
	})
	t.Run("account numbers", func(t *testing.T) {
		for _, h := range l.Hosts() {
			if got := run(t, h, `useradd --system --no-create-home test-account; awk -F: '$3 >= 500 && $3 < 1000' /etc/passwd; userdel test-account`); got != "" {
				t.Errorf("builds of this machine's Nix may end what runs on %s as %q", h.Name, got)
			}
		}
	})
	t.Run("sudo", func(t *testing.T) {
		for _, h := range []*lab.Host{web, db} {
			checkSudo(t, l, h)
		}
		if out := overSSH(t, l, bare, "sudo -n id -un"); out != "root\n" {
			t.Errorf("full sudo says %q", out)
		}
		if out := overSSH(t, l, typist, "sudo -n "+lab.HelperPath+" serve 2>&1 || :"); !strings.Contains(out, "a password is required") {
			t.Errorf("sudo with a password says %q", out)
		}
	})
	t.Run("neighbours", func(t *testing.T) {
		run(t, web, "getent hosts db-1 && (exec 3<>/dev/tcp/db-1/22) 2>/dev/null || python3 -c 'import socket; socket.create_connection((\"db-1\", 22), 3)'")
	})
	t.Run("quiet", func(t *testing.T) {
		if got := run(t, db, "systemctl is-active apt-daily.timer apt-daily-upgrade.timer || :; ls /etc/apt/sources.list.d; cat /etc/apt/sources.list"); got != "inactive\ninactive" {
			t.Errorf("a host is not quiet: %q", got)
		}
	})
	t.Run("controller", func(t *testing.T) { checkController(t, l, web) })
	t.Run("inventory", func(t *testing.T) { checkInventory(t, l) })
	t.Run("network", func(t *testing.T) { checkNetwork(t, l, web) })
	t.Run("power", func(t *testing.T) { checkPower(t, l, db) })
}

// checkSudo tries what the rules allow, and what looks like it.
func checkSudo(t *testing.T, l *lab.Lab, h *lab.Host) {
	for _, args := range []string{"serve", "store"} {
		if out := overSSH(t, l, h, "sudo -n "+lab.HelperPath+" "+args); out != "root: "+args+"\n" {
			t.Errorf("%s: sudo … %s says %q", h.Name, args, out)
		}
	}
	refused := []string{
		lab.HelperPath,
		lab.HelperPath + " serve \"\"",
		lab.HelperPath + " serve --verbose",
		lab.HelperPath + " \"serve \"",
		lab.HelperPath + " \"*\"",
		lab.HelperPath + " other",
		"/var/lib/nixfleet/bin/other serve",
		"-u deploy " + lab.HelperPath + " serve",
		"FOO=1 " + lab.HelperPath + " serve",
		"/usr/bin/nix-store --serve --write",
		"/usr/bin/id",
	}
	script := ""
	for _, command := range refused {
		script += "sudo -n " + command + " >/dev/null 2>&1 && echo '" + command + "'\n"
	}
	if out := overSSH(t, l, h, script+"echo end"); out != "end\n" {
		t.Errorf("%s allows sudo %s", h.Name, out)
	}
}

// checkController looks at what a command in the lab's network gets from this process.
func checkController(t *testing.T, l *lab.Lab, h *lab.Host) {
	out, err := l.Command(t.Context(), "/bin/sh", "-c", `echo "$HOME $LAB_TEST ${SSH_AUTH_SOCK-none}"; cd; ls .ssh`).Output()
	if want := l.Home + " inherited none\nconfig\nid_ed25519\nid_ed25519.pub\nknown_hosts\n"; err != nil || string(out) != want {
		t.Errorf("a command sees %q, %v; want %q", out, err, want)
	}
	listener, err := l.Listen("tcp", lab.Controller+":8080")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = conn.Write([]byte("hello\n"))
			_ = conn.Close()
		}
	}()
	if got := run(t, h, `python3 -c 'import socket; print(socket.create_connection(("10.77.0.1", 8080), 5).makefile().read().strip())'`); got != "hello" {
		t.Errorf("a host reads %q from the controller", got)
	}
	if err := l.Command(t.Context(), "lab-test-no-such-program").Run(); err == nil {
		t.Error("a program that does not exist runs")
	}
}

func checkInventory(t *testing.T, l *lab.Lab) {
	for name, wants := range map[string][]string{
		"i.yaml": {"name: lab\n", "  base: debian\n", "  user: deploy\n", "  web-1:\n    addr: 10.77.1.1\n    hostKeys:\n    - ssh-ed25519 AAAA", "    roles:\n    - web\n"},
		"i.json": {`"addr": "10.77.1.2"`, `"name": "lab"`},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := l.WriteInventory(path); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %q:\n%s", name, want, text)
			}
		}
	}
}

// overSSH runs a command as deploy with a client of its own, pinned to the host's key, and returns its standard output.
func overSSH(t *testing.T, l *lab.Lab, h *lab.Host, command string) string {
	t.Helper()
	session, err := dialSSH(t, l, h).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	out, _ := session.Output(command)
	return string(out)
}

func dialSSH(t *testing.T, l *lab.Lab, h *lab.Host) *ssh.Client {
	t.Helper()
	text, err := os.ReadFile(l.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	pin, _, _, _, err := ssh.ParseAuthorizedKey([]byte(h.HostKey))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Dial(t.Context(), "tcp", h.Addr+":22")
	if err != nil {
		t.Fatal(err)
	}
	c, channels, requests, err := ssh.NewClientConn(conn, h.Addr, &ssh.ClientConfig{
		User: lab.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(pin), Timeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	client := ssh.NewClient(c, channels, requests)
	t.Cleanup(func() { _ = client.Close() })
	return client
}
