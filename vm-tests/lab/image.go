package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

var (
	//go:embed build.sh
	buildScript string
	//go:embed image-setup.sh
	imageSetup string
)

// imagePackages is what every host has on top of Debian's required packages.
var imagePackages = []string{
	"systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "iproute2", "nix-bin", "nix-setup-systemd",
	"ca-certificates", "python3", "python3-apt", "apt-utils", "nftables", "needrestart", "unattended-upgrades", "curl",
}

// releaseNumber is the release's version for people, or "" for one the lab does not know.
func releaseNumber(release Release) string {
	return map[Release]string{Bookworm: "12", Trixie: "13"}[release]
}

// imageName changes whenever the recipe does.
func imageName(release Release) string {
	recipe := strings.Join(append([]string{"1", string(release), runtime.GOARCH, imageSetup}, imagePackages...), "\x00")
	sum := sha256.Sum256([]byte(recipe))
	return fmt.Sprintf("%s-%s", release, hex.EncodeToString(sum[:6]))
}

// BuildImage makes sure that the root of a release is in the cache. Start does so too; this is for doing it beforehand.
func BuildImage(ctx context.Context, cacheDir string, release Release, log io.Writer) error {
	if releaseNumber(release) == "" {
		return fmt.Errorf("cannot build a root for %q: unknown release; there are %v", release, Releases)
	}
	if err := Ready(); err != nil {
		return err
	}
	c, err := openCache(cacheDir)
	if err != nil {
		return err
	}
	_, err = prepareImage(ctx, c, newLogger(log), release)
	return err
}

// prepareImages returns the directory of each release's root, building what is missing.
func prepareImages(ctx context.Context, c cache, log *logger, specs []HostSpec) (map[Release]string, error) {
	images := map[Release]string{}
	for _, spec := range specs {
		if images[spec.Release] != "" {
			continue
		}
		dir, err := prepareImage(ctx, c, log, spec.Release)
		if err != nil {
			return nil, err
		}
		images[spec.Release] = dir
	}
	return images, nil
}

// prepareImage builds under another name and renames, so that a directory with an image's name is a whole image.
func prepareImage(ctx context.Context, c cache, log *logger, release Release) (string, error) {
	name := imageName(release)
	dir := filepath.Join(c.images(), name)
	if isDir(dir) {
		return dir, nil
	}
	lock, err := lockFile(ctx, dir+".lock", func() {
		log.printf("another run is building the Debian %s root; waiting for it", releaseNumber(release))
	})
	if err != nil {
		return "", fmt.Errorf("cannot lock the Debian %s root: %w", releaseNumber(release), err)
	}
	defer func() { _ = lock.Close() }()
	if isDir(dir) {
		return dir, nil
	}
	building := filepath.Join(c.images(), ".building-"+name)
	if err := removeTree(building); err != nil {
		return "", fmt.Errorf("cannot remove a half-built Debian root: %w", err)
	}
	log.printf("building the Debian %s root with mmdebstrap (once, about a minute) in %s", releaseNumber(release), dir)
	began := time.Now()
	if err := bootstrap(ctx, lock, release, building); err != nil {
		return "", fmt.Errorf("cannot build the Debian %s root: %w", releaseNumber(release), errors.Join(err, removeTree(building)))
	}
	// If we crash here, the half-built tree stays under its other name, and the next run removes it.
	if err := syncAndRename(building, dir); err != nil {
		return "", fmt.Errorf("cannot store the Debian %s root: %w", releaseNumber(release), err)
	}
	log.printf("built the Debian %s root in %.0f s", releaseNumber(release), time.Since(began).Seconds())
	return dir, nil
}

// bootstrap runs mmdebstrap in namespaces that end with this process. They inherit the lock: should this process die, the
// next one waits until they have ended.
func bootstrap(ctx context.Context, lock *os.File, release Release, dir string) error {
	setup, err := os.CreateTemp("", "nixfleet-lab-setup-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(setup.Name()) }()
	if _, err := setup.WriteString(imageSetup); err != nil {
		return err
	}
	if err := setup.Close(); err != nil {
		return err
	}
	args := []string{
		"--variant=minbase", "--include=" + strings.Join(imagePackages, ","),
		`--customize-hook=chroot "$1" /bin/sh -s <"$LAB_SETUP"`,
	}
	for _, option := range aptOptions() {
		args = append(args, "--aptopt="+option)
	}
	args = append(args, string(release), dir)
	args = append(args, aptSources(release)...)

	cmd := isolate(0, "nixfleet-lab-image", buildScript, append([]string{program("mmdebstrap")}, args...)...)
	cmd.Env = append(os.Environ(), adminEnv("LAB_SETUP="+setup.Name(), "RELEASE="+string(release))...)
	cmd.ExtraFiles = []*os.File{lock}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	// If we crash here, the pipe closes, and with it ends the build.
	if err := cmd.Start(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = pipe.Close() })()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("mmdebstrap: %w\n%s", errors.Join(ctx.Err(), err), tail(out.String(), 20))
	}
	return ctx.Err()
}

func syncAndRename(from, to string) error {
	d, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := unix.Syncfs(int(d.Fd())); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// removeTree stays on one file system, should anything be mounted there after all.
func removeTree(dir string) error {
	out, err := exec.Command("rm", "-rf", "--one-file-system", dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, tail(string(out), 3))
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// tail returns the last lines of a text.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
