package host

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// greet tells who is there, and whether there is anything to do. It is all that
// an unchanged run asks of a host, so it starts no process.
func (s *session) greet(ctx context.Context, request protocol.Request) (*protocol.HelloReply, error) {
	hello := request.Hello
	if hello.Version != protocol.Version {
		return nil, protocolError("this helper speaks version %d of the protocol, the executor version %d", protocol.Version, hello.Version)
	}
	own := make(chan hashed, 1)
	go func() { own <- hashOf(s.deps.Executable) }()

	reply := &protocol.HelloReply{Version: protocol.Version, System: systemOf(s.deps.Machine), Free: map[string]int64{}}
	release := readRelease(s.deps.Root)
	reply.Base, reply.OS = schema.Base(release["ID"]), release["PRETTY_NAME"]
	for _, dir := range []string{"/nix", "/var", "/etc"} {
		free, err := s.deps.Free(dir)
		if err != nil {
			return nil, err
		}
		reply.Free[dir] = free
	}
	if err := s.greetState(ctx, hello, reply); err != nil {
		return nil, err
	}
	reply.Nix = nixstore.Version(ctx, s.deps.NixStore, s.deps.Runner, !reply.Unchanged)
	binary := <-own
	if binary.err != nil {
		return nil, fmt.Errorf("cannot read the helper's own binary: %w", binary.err)
	}
	reply.Helper = binary.digest
	s.hello = hello
	return reply, nil
}

// greetState tells what was applied and whether that is still so.
func (s *session) greetState(ctx context.Context, hello *protocol.Hello, reply *protocol.HelloReply) error {
	known, err := s.state.Load()
	if err != nil {
		return err
	}
	if holder := s.state.LockHolder(); holder != nil {
		reply.Busy = holder.Run
	}
	if known.Pending != nil {
		reply.Pending, reply.PendingRun, reply.Failure = known.Pending.Manifest, known.Pending.Run, known.Pending.Failure
	}
	reply.Generation, _ = s.profile().Current()
	if known.Applied != nil {
		reply.Applied = known.Applied.Manifest
	}
	reply.Unchanged = reply.Busy == "" && known.Pending == nil && reply.Applied == hello.Manifest && reply.Applied != "" && s.isAsApplied(ctx, known)
	return nil
}

// isAsApplied inspects the host. What cannot be inspected is not as it should
// be: prepare will say why.
func (s *session) isAsApplied(ctx context.Context, known *schema.State) bool {
	manifest := s.state.Manifest(known.Applied)
	if manifest == nil {
		return false
	}
	lost, err := nixstore.Lost(s.deps.Root, known.Applied.Verified)
	if err != nil || len(lost) > 0 {
		return false
	}
	closure := make(map[schema.StorePath]bool, len(known.Applied.Verified))
	for _, path := range known.Applied.Verified {
		closure[path] = true
	}
	work, err := inspect.Compare(ctx, s.liveHost(), inspect.Goal{Manifest: manifest, Closure: closure, State: known})
	return err == nil && len(work.Refusals) == 0 && work.Empty()
}

func (s *session) liveHost() inspect.Host {
	return inspect.Host{Files: s.files, Units: s.deps.Units, Profile: s.profile(), Processes: s.deps.Processes}
}

func (s *session) profile() *nixstore.Profile { return nixstore.NewProfile(s.deps.Root, s.deps.Fault) }

type hashed struct {
	digest schema.Digest
	err    error
}

func hashOf(file string) hashed {
	f, err := os.Open(file)
	if err != nil {
		return hashed{"", err}
	}
	defer f.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	return hashed{schema.Digest("sha256:" + hex.EncodeToString(hash.Sum(nil))), err}
}

// Self returns the digest of the running program.
func Self() (schema.Digest, error) {
	own := hashOf("/proc/self/exe")
	return own.digest, own.err
}

func systemOf(machine string) schema.System { return schema.System(machine + "-linux") }

// readRelease reads os-release(5).
func readRelease(root string) map[string]string {
	fields := map[string]string{}
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		// Not through the managed tree's door: os-release is a link on every host.
		file, err := os.Open(filepath.Join(root, name))
		if err != nil {
			continue
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), "=")
			fields[name] = strings.Trim(value, `"'`)
		}
		break
	}
	return fields
}

// baseMatches reports whether a host can be what a manifest for base says.
// Ubuntu, Debian and what descends from them are one.
func baseMatches(base schema.Base, release map[string]string) bool {
	words := strings.Fields(release["ID"] + " " + release["ID_LIKE"])
	for _, word := range words {
		debian := word == "debian" || word == "ubuntu"
		if schema.Base(word) == base || debian && (base == schema.Debian || base == schema.Ubuntu) {
			return true
		}
	}
	return false
}
