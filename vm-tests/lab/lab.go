package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Release is the code name of a Debian release that hosts can run.
type Release string

const (
	// Bookworm is Debian 12: systemd 252, Nix 2.8, OpenSSH 9.2.
	Bookworm Release = "bookworm"
	// Trixie is Debian 13: systemd 257, Nix 2.26, OpenSSH 10.
	Trixie Release = "trixie"
)

// Releases lists what HostSpec.Release may say.
var Releases = []Release{Bookworm, Trixie}

// Sudo says what the user deploy may do as root.
type Sudo string

const (
	// SudoHelper allows exactly the helper's two commands, without a password. It is the default.
	SudoHelper Sudo = "helper"
	// SudoAll allows everything without a password, as a first install of the helper needs it.
	SudoAll Sudo = "all"
	// SudoPassword allows the helper's two commands to who types a password (and deploy has none).
	SudoPassword Sudo = "password"
	// SudoNone has no rule for deploy.
	SudoNone Sudo = "none"
)

// User is the account that Lab.KeyFile opens on every host.
const User = "deploy"

// HelperPath is where a host expects the helper.
const HelperPath = "/var/lib/nixfleet/bin/nixfleet-host"

// HostSpec describes one host to boot.
type HostSpec struct {
	// Name is the host's name: lower case letters, digits and dashes.
	Name string
	// Release is the Debian to run; empty means Bookworm.
	Release Release
	// Sudo is the rule for deploy; empty means SudoHelper.
	Sudo Sudo
	// NoNix takes Nix and its store from the host.
	NoNix bool
	// DiskSize in bytes gives the host an ext4 disk of its own instead of a share of this machine's. Only such a host can
	// be filled, and it loses in a power cut what it had not synced. Zero: no disk of its own. At least 64 MiB.
	DiskSize int64
	// Roles and Groups only go into the inventory.
	Roles, Groups []string
}

// Options of Start.
type Options struct {
	Hosts []HostSpec
	// ID names the lab; empty means a random one. A second lab with the ID of one that is up is refused.
	ID string
	// Helper is a nixfleet-host binary to put at HelperPath on every host; empty: none.
	Helper string
	// CacheDir holds images and running labs; empty means DefaultCacheDir. It must be on a real disk.
	CacheDir string
	// Log receives one line for each thing done; nil means silence.
	Log io.Writer
	// Keep lets the lab outlive this process. Close, from any process, still ends it.
	Keep bool
}

// Lab is a set of running hosts.
type Lab struct {
	// ID is unique among the labs of one cache directory.
	ID string
	// Dir is the lab's own directory; it goes away with the lab.
	Dir string
	// KeyFile is the private key (OpenSSH format, ed25519) that every host accepts for User.
	KeyFile string
	// KnownHosts is a known_hosts file with every host's key, by name and by address.
	KnownHosts string
	// SSHConfig is a configuration for OpenSSH: `ssh -F FILE web-1`, within the lab's network.
	SSHConfig string
	// Home is what Command sets as HOME; its .ssh holds the three files above under their usual names.
	Home string

	cache  cache
	log    *logger
	state  state
	hosts  []*Host
	holder *holder
	owner  *os.File
	close  sync.Once
	closed error
}

// Host returns the host of that name, or nil.
func (l *Lab) Host(name string) *Host {
	for _, h := range l.hosts {
		if h.Name == name {
			return h
		}
	}
	return nil
}

// Hosts returns all hosts in the order of Options.Hosts.
func (l *Lab) Hosts() []*Host { return l.hosts }

// Start boots hosts and returns when ssh answers on all of them and systemd has finished booting.
// After an error, and when ctx ends before that, nothing is left behind.
func Start(ctx context.Context, options Options) (*Lab, error) {
	hosts, err := checkHosts(options.Hosts)
	if err != nil {
		return nil, err
	}
	if err := Ready(); err != nil {
		return nil, err
	}
	log := newLogger(options.Log)
	cache, err := openCache(options.CacheDir)
	if err != nil {
		return nil, err
	}
	sweep(cache, log)
	images, err := prepareImages(ctx, cache, log, hosts)
	if err != nil {
		return nil, err
	}
	l, err := create(cache, log, options)
	if err != nil {
		return nil, err
	}
	if err := l.boot(ctx, options, hosts, images); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// boot does what Start promises in the lab's new directory.
func (l *Lab) boot(ctx context.Context, options Options, specs []HostSpec, images map[Release]string) error {
	began := time.Now()
	l.log.printf("lab %s: booting %s", l.ID, describe(specs))
	if err := raiseInotifyLimit(l.log, len(specs)); err != nil {
		return err
	}
	layer, err := l.writeLayer(options.Helper)
	if err != nil {
		return err
	}
	if err := l.startHolder(ctx); err != nil {
		return err
	}
	for i, spec := range specs {
		h, err := newHost(l, i, spec, images[spec.Release], layer)
		if err != nil {
			return err
		}
		l.hosts = append(l.hosts, h)
	}
	if err := l.writeClientFiles(); err != nil {
		return err
	}
	if err := l.saveState(); err != nil {
		return err
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for _, h := range l.hosts {
		group.Go(func() error { return h.firstBoot(gctx) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if options.Keep {
		if err := l.Detach(); err != nil {
			return err
		}
	}
	l.log.printf("lab %s: %d hosts are up after %.1f s", l.ID, len(l.hosts), time.Since(began).Seconds())
	return nil
}

// Close ends every host at once and removes all that the lab put on this machine. A second Close does nothing.
func (l *Lab) Close() error {
	l.close.Do(func() {
		began := time.Now()
		if l.owner == nil {
			// Without the owner's lock a sweep could remove the same lab at the same time.
			if lock, err := l.cache.lock(); err == nil {
				defer func() { _ = lock.Close() }()
			}
		}
		l.closed = l.remove()
		l.log.printf("lab %s: removed in %.1f s", l.ID, time.Since(began).Seconds())
	})
	return l.closed
}

func (l *Lab) remove() error {
	var problems []error
	for _, h := range l.hosts {
		if h.relay != nil {
			h.relay.close()
		}
	}
	if l.holder != nil {
		problems = append(problems, l.holder.kill())
	}
	problems = append(problems, removeLabCgroup(l.ID))
	problems = append(problems, os.RemoveAll(l.Dir))
	if l.owner != nil {
		problems = append(problems, l.owner.Close())
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("cannot remove lab %q: %w", l.ID, err)
	}
	return nil
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// checkHosts fills in defaults and refuses what cannot boot.
func checkHosts(specs []HostSpec) ([]HostSpec, error) {
	if len(specs) == 0 {
		return nil, errors.New("cannot start a lab of no hosts")
	}
	seen := map[string]bool{}
	checked := make([]HostSpec, len(specs))
	for i, spec := range specs {
		if spec.Release == "" {
			spec.Release = Bookworm
		}
		if spec.Sudo == "" {
			spec.Sudo = SudoHelper
		}
		switch {
		case !hostName.MatchString(spec.Name):
			return nil, fmt.Errorf("cannot start host %q: a name is lower case letters, digits and dashes", spec.Name)
		case seen[spec.Name]:
			return nil, fmt.Errorf("cannot start host %q: two hosts with one name", spec.Name)
		case releaseNumber(spec.Release) == "":
			return nil, fmt.Errorf("cannot start host %q: unknown release %q; there are %v", spec.Name, spec.Release, Releases)
		case spec.DiskSize != 0 && spec.DiskSize < 64<<20:
			return nil, fmt.Errorf("cannot start host %q: a disk of %d bytes is too small; 64 MiB is the least", spec.Name, spec.DiskSize)
		}
		if _, err := sudoers(spec.Sudo); err != nil {
			return nil, fmt.Errorf("cannot start host %q: %w", spec.Name, err)
		}
		seen[spec.Name] = true
		checked[i] = spec
	}
	return checked, nil
}

// address of the host at that position. The controller has 10.77.0.1.
func address(index int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 77, byte(1 + index/250), byte(1 + index%250)})
}

// describe names the hosts of a lab for people, by release.
func describe(specs []HostSpec) string {
	var parts []string
	for _, release := range Releases {
		var names []string
		for _, spec := range specs {
			if spec.Release == release {
				names = append(names, spec.Name)
			}
		}
		if len(names) > 6 {
			names = append(names[:5], fmt.Sprintf("and %d more", len(names)-5))
		}
		if len(names) > 0 {
			parts = append(parts, fmt.Sprintf("%s on Debian %s", strings.Join(names, ", "), releaseNumber(release)))
		}
	}
	return strings.Join(parts, "; ")
}

// raiseInotifyLimit makes room for the inotify instances of many systemds; the kernel counts them machine-wide.
func raiseInotifyLimit(log *logger, hosts int) error {
	const file, want, each = "/proc/sys/fs/inotify/max_user_instances", 1024, 12
	var now int
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("cannot read the inotify limit: %w", err)
	}
	if _, err := fmt.Sscan(string(text), &now); err != nil {
		return fmt.Errorf("cannot read the inotify limit: %w", err)
	}
	need := max(want, 2*each*hosts)
	if now >= need {
		return nil
	}
	log.printf("raising fs.inotify.max_user_instances from %d to %d: every host needs about ten", now, need)
	// If we crash here, the limit stays raised; that harms nothing and ends with the next boot of this machine.
	if err := os.WriteFile(file, fmt.Appendln(nil, need), 0o644); err != nil && now < each*hosts {
		return fmt.Errorf("cannot raise fs.inotify.max_user_instances to %d: %w", need, err)
	}
	return nil
}

// hostDir is where a host's files live.
func (l *Lab) hostDir(name string) string { return filepath.Join(l.Dir, "hosts", name) }
