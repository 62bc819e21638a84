package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// buildHelper builds the helper as releases are built.
func buildHelper(t *testing.T) string {
	t.Helper()
	helper := t.TempDir() + "/nixfleet-host"
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=1.2.3", "-o", helper, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return helper
}

func TestCommands(t *testing.T) {
	helper := buildHelper(t)
	info, err := os.Stat(helper)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 8<<20 {
		t.Errorf("expected a helper of at most 8 MiB, found %d bytes", info.Size())
	}
	t.Run("version", func(t *testing.T) {
		out, err := exec.Command(helper, "version").Output()
		if err != nil {
			t.Fatal(err)
		}
		sum, err := exec.Command("sha256sum", helper).Output()
		if err != nil {
			t.Fatal(err)
		}
		if want := "nixfleet-host 1.2.3 sha256:" + strings.Fields(string(sum))[0] + "\n"; string(out) != want {
			t.Errorf("expected %q, found %q", want, out)
		}
	})
	t.Run("nonsense", func(t *testing.T) {
		for _, args := range [][]string{nil, {"dance"}, {"serve", "more"}} {
			out, err := exec.Command(helper, args...).CombinedOutput()
			if err == nil || !strings.HasPrefix(string(out), "error: expected one of serve, store, run TRANSACTION, recover, version; found [") {
				t.Errorf("%q: found %q, %v", args, out, err)
			}
		}
	})
	t.Run("not root", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("becomes somebody else, which only root can")
		}
		// Where anybody may run it.
		if err := os.Chmod(filepath.Dir(helper), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Dir(filepath.Dir(helper)), 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(helper, "serve")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		response, body, err := protocol.NewConn(bytes.NewReader(out), nil).ReceiveResponse()
		if err != nil || response.Kind != protocol.ErrorBody {
			t.Fatalf("found %+v, %v", response, err)
		}
		var refusal protocol.Error
		if err := json.Unmarshal(body, &refusal); err != nil {
			t.Fatal(err)
		}
		autogold.Expect("refused: the helper must run as root: expected user id 0, found 65534\nhint: allow the login user `sudo -n /var/lib/nixfleet/bin/nixfleet-host serve`").Equal(t, string(refusal.Kind)+": "+schema.InFull(&refusal))
	})
	t.Run("store", func(t *testing.T) {
		if host.FindNixStore() == "" {
			t.Skip("no nix-store")
		}
		hello := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 0x390c9deb), 2<<8|5)
		cmd := exec.Command(helper, "store")
		cmd.Stdin = bytes.NewReader(hello)
		out, err := cmd.Output() // which also fails at the end of the input
		if len(out) != 16 || binary.LittleEndian.Uint64(out) != 0x5452eecb {
			t.Errorf("nix-store did not greet: %x, %v", out, err)
		}
	})
}
