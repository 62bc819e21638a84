package base

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/schema"
)

const aptHistory = `
Start-Date: 2026-04-01  10:00:00
Commandline: apt-get install nginx
Install: nginx:amd64 (1.22)
End-Date: 2026-04-01  10:00:05

Start-Date: 2026-04-20  06:12:01
Commandline: /usr/bin/unattended-upgrade
Upgrade: libc6:amd64 (2.36-9, 2.36-9+deb12u4), openssl:amd64 (3.0.1, 3.0.2)
End-Date: 2026-04-20  06:12:31

Start-Date: 2026-05-01  10:00:00
Commandline: apt-get remove nginx
Remove: nginx:amd64 (1.22)
End-Date: 2026-05-01  10:00:05
`

func TestTheLastUpdateIsTheYoungestThatUpgradedSomething(t *testing.T) {
	berlin := time.FixedZone("", 2*3600)
	autogold.Expect(&schema.OSUpdateState{
		At: time.Date(2026, 4, 20, 4,
			12,
			31,
			0,
			time.UTC),
		Summary: "2 packages, by apt",
	}).Equal(t, parseHistory([]byte(aptHistory), berlin))
	for name, log := range map[string]string{"nothing": "", "no update": "Start-Date: 2026-04-01  10:00:00\nInstall: x (1)\n", "rubbish": "Upgrade: a (1, 2)\nStart-Date: yesterday\n"} {
		if found := parseHistory([]byte(log), time.UTC); found != nil {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// hostWith returns the root of a host with these files; "-> target" is a link.
func hostWith(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, content := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		err := os.WriteFile(file, []byte(content), 0o644)
		if len(content) > 3 && content[:3] == "-> " {
			err = os.Remove(file)
			if err == nil {
				err = os.Symlink(content[3:], file)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestWhenARebootIsNeeded(t *testing.T) {
	kernel := map[string]string{"/proc/sys/kernel/osrelease": "6.1.0-18-amd64\n", "/vmlinuz": "-> boot/vmlinuz-6.1.0-20-amd64"}
	inContainer := map[string]string{"/run/systemd/container": "systemd-nspawn"}
	for name, content := range kernel {
		inContainer[name] = content
	}
	for name, c := range map[string]struct {
		files   map[string]string
		because []string
	}{
		"nothing":                      {nil, nil},
		"packages, each once":          {map[string]string{"/run/reboot-required": "*** System restart required ***\n", "/run/reboot-required.pkgs": "libc6\nlinux-base\nlibc6\n"}, []string{"libc6", "linux-base"}},
		"nobody says why":              {map[string]string{"/run/reboot-required": ""}, []string{"a package asks for it (/run/reboot-required)"}},
		"another kernel":               {kernel, []string{"kernel 6.1.0-18-amd64 runs, 6.1.0-20-amd64 is installed"}},
		"somebody else's kernel":       {inContainer, nil},
		"the kernel that is installed": {map[string]string{"/proc/sys/kernel/osrelease": "6.1\n", "/boot/vmlinuz": "-> vmlinuz-6.1"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			found := rebootNeeded(hostWith(t, c.files))
			if found.Needed != (len(c.because) > 0) || len(found.Because) != len(c.because) {
				t.Fatalf("found %+v", found)
			}
			for i := range c.because {
				if found.Because[i] != c.because[i] {
					t.Errorf("found %q", found.Because)
				}
			}
		})
	}
}
