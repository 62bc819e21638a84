package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/command"
	"github.com/nixfleet/nixfleet/schema"
)

// prefixed runs the real tools on another root directory.
type prefixed struct{ root string }

func (p prefixed) Run(ctx context.Context, name string, args ...string) ([]byte, error) {
	return command.System{}.Run(ctx, name, append([]string{"--prefix", p.root}, args...)...)
}

// TestToolsAreAsFaked gives the same work to the fake and to shadow's own tools.
func TestToolsAreAsFaked(t *testing.T) {
	needRoot(t)
	number := func(n int) *int { return &n }
	root := func() string {
		dir := t.TempDir()
		for name, content := range map[string]string{
			"passwd": "root:x:0:0:root:/root:/bin/sh\n", "group": "root:x:0:\nstaff:x:50:root\nadm:x:4:\n",
			"shadow": "root:*:19000:0:99999:7:::\n", "gshadow": "root:*::\nstaff:!::root\nadm:!::\n",
			"login.defs": "USERGROUPS_ENAB yes\nMAIL_DIR /var/mail\n", "subuid": "", "subgid": "",
		} {
			file := filepath.Join(dir, "etc", name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	web := schema.User{Name: "web", UID: number(700), System: true, Group: "web", ExtraGroups: []schema.AccountName{"adm", "staff"},
		Home: "/var/lib/web", Shell: "/usr/sbin/nologin", Description: "the web"}
	none, some, home, shell, description, staff := []schema.AccountName{}, []schema.AccountName{"adm"}, "/home", "/bin/sh", "", schema.AccountName("staff")
	work := []func(account.Tools) error{
		func(t account.Tools) error {
			return t.AddGroup(context.Background(), schema.Group{Name: "web", GID: number(700), System: true})
		},
		func(t account.Tools) error { return t.AddUser(context.Background(), web) },
		func(t account.Tools) error {
			return t.EditUser(context.Background(), "web", account.Edit{ExtraGroups: &some, Home: &home})
		},
		func(t account.Tools) error {
			return t.EditUser(context.Background(), "web", account.Edit{Shell: &shell, Description: &description, Group: &staff})
		},
		func(t account.Tools) error {
			return t.EditUser(context.Background(), "web", account.Edit{ExtraGroups: &none})
		},
		func(t account.Tools) error { return t.RemoveUser(context.Background(), "web") }, // its group stays: not its primary one
		func(t account.Tools) error { return t.RemoveGroup(context.Background(), "web") },
		func(t account.Tools) error {
			return t.AddGroup(context.Background(), schema.Group{Name: "web", GID: number(700)})
		},
		func(t account.Tools) error { return t.AddUser(context.Background(), web) },
		func(t account.Tools) error { return t.RemoveUser(context.Background(), "web") }, // and with it its group
		func(t account.Tools) error {
			return t.AddGroup(context.Background(), schema.Group{Name: "other", GID: number(701)})
		},
		func(t account.Tools) error { return t.RemoveGroup(context.Background(), "other") },
	}
	fakeRoot, realRoot := root(), root()
	read := func(dir, name string) string {
		data, err := os.ReadFile(filepath.Join(dir, "etc", name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(data))
	}
	for i, step := range work {
		if err := step(account.Tools{Runner: &fakeTools{root: fakeRoot}}); err != nil {
			t.Fatalf("step %d of the fake: %v", i, err)
		}
		if err := step(account.Tools{Runner: prefixed{realRoot}}); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		for _, name := range []string{"passwd", "group"} {
			if fake, real := read(fakeRoot, name), read(realRoot, name); fake != real {
				t.Errorf("step %d: the fake's %s is\n%s\nthe real one\n%s", i, name, fake, real)
			}
		}
	}
	err := account.Tools{Runner: prefixed{realRoot}}.RemoveUser(context.Background(), "nobody-there")
	if err == nil || !strings.Contains(err.Error(), `cannot change the user "nobody-there": cannot run userdel: exit status 6: userdel: user 'nobody-there' does not exist`) {
		t.Errorf("found %v", err)
	}
}
