package host

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/schema"
)

// homeMaker are tools whose useradd makes the home directory, as the real one does.
type homeMaker struct{ *fakeTools }

func (m homeMaker) Run(ctx context.Context, name string, args ...string) ([]byte, error) {
	if i := slices.Index(args, "--home-dir"); name == "useradd" && slices.Contains(args, "--create-home") {
		if err := os.MkdirAll(filepath.Join(m.root, args[i+1]), 0o700); err != nil {
			return nil, err
		}
	}
	return m.fakeTools.Run(ctx, name, args...)
}

// A new user's home is there by the time that something is put into it.
func TestFilesInTheHomeOfANewUser(t *testing.T) {
	needRoot(t)
	ada := user("ada")
	ada.Home, ada.CreateHome = "/home/ada", true
	keys := file("/home/ada/.ssh/authorized_keys", "ssh-ed25519 AAAA\n")
	for name, goal := range map[string]struct {
		directories []schema.Directory
		want        autogold.Value
		mode        os.FileMode
	}{
		"undeclared": {nil, autogold.Expect(`create group ada
create user ada
create directory /home/ada/.ssh (on the way to /home/ada/.ssh/authorized_keys)
create file /home/ada/.ssh/authorized_keys`), 0o700},
		"declared": {[]schema.Directory{{Path: "/home/ada", Mode: "0711", Owner: "root", Group: "root"}}, autogold.Expect(`create group ada
create user ada
create directory /home/ada
create directory /home/ada/.ssh (on the way to /home/ada/.ssh/authorized_keys)
create file /home/ada/.ssh/authorized_keys`), 0o711},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.write("/home/keep", "", 0o644)
			w.deps.Runner = homeMaker{w.tools}
			intent := intent{groups: []schema.Group{{Name: "ada"}}, users: []schema.User{ada}, directories: goal.directories, files: []schema.File{keys}}
			goal.want.Equal(t, summary(w.mustExecute(intent)))
			info, err := os.Stat(filepath.Join(w.root, "/home/ada"))
			if err != nil || info.Mode().Perm() != goal.mode {
				t.Errorf("the home directory is %v, %v; expected mode %v", info, err, goal.mode)
			}
			if changes := w.mustExecute(intent); len(changes) > 0 {
				t.Errorf("a second apply changes %v", changes)
			}
		})
	}
}
