package host

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/vm-tests/lab"
	"github.com/nixfleet/nixfleet/vm-tests/lab/labtest"
)

// withHelper asks a helper on a real host. The helper has ended when it returns: what
// a controller keeps within a host keeps the host from going down.
func withHelper[T any](t *testing.T, h *lab.Host, ask func(*client) (T, error)) (T, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := h.Command(ctx, lab.HelperPath, "serve")
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	reply, err := ask(&client{t: t, caller: newCaller(out, in)})
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the helper ended badly: %v", err)
	}
	return reply, err
}

func askBoot(t *testing.T, h *lab.Host, boot string) (*protocol.RebootReply, error) {
	t.Helper()
	return withHelper(t, h, func(c *client) (*protocol.RebootReply, error) { return c.reboot(boot) })
}

func askSlot(t *testing.T, h *lab.Host, ask protocol.SlotRequest) (*protocol.SlotReply, error) {
	t.Helper()
	return withHelper(t, h, func(c *client) (*protocol.SlotReply, error) { return c.slot(ask) })
}

// TestRebootOnHosts reboots real hosts: once, and not before apt has ended.
func TestRebootOnHosts(t *testing.T) {
	labtest.Require(t)
	helper := filepath.Join(t.TempDir(), "nixfleet-host")
	build := exec.Command("go", "build", "-o", helper, "../../cmd/nixfleet-host")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l := labtest.Start(t, lab.Options{Helper: helper, Hosts: []lab.HostSpec{{Name: "old", Release: lab.Bookworm}, {Name: "new", Release: lab.Trixie}}})
	for _, h := range l.Hosts() {
		t.Run(h.Name, func(t *testing.T) {
			t.Parallel()
			rebootOnHost(t, h)
		})
	}
}

func rebootOnHost(t *testing.T, h *lab.Host) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	script := func(text string) string {
		t.Helper()
		out, err := h.Exec(ctx, text)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(out)
	}
	script(`systemd-run --quiet --unit=bad.service false; touch /run/reboot-required; echo linux-image >/run/reboot-required.pkgs
		printf '[Service]\nExecStart=sleep infinity\nExecStop=sh -c "echo stopped >/root/stopped"\n' >/etc/systemd/system/slow.service
		systemctl daemon-reload; systemctl start slow.service`)
	first, err := askBoot(t, h, "")
	if err != nil || first.Going || first.Starting || !first.State.Needed || len(first.Failed) != 1 || first.Failed[0] != "bad.service" {
		t.Fatalf("found %+v, %v", first, err)
	}
	if want, err := h.BootID(); err != nil || first.Boot != want || first.Uptime <= 0 || first.Uptime > 10*time.Minute {
		t.Errorf("found %+v, %v", first, err)
	}
	if reply, err := askSlot(t, h, slotOf("r1/old", "1h")); err != nil || !reply.Granted {
		t.Fatalf("found %+v, %v", reply, err)
	}

	script(`systemd-run --quiet --unit=apt.service systemd-inhibit --what=shutdown --mode=block --who=APT --why=installing sleep infinity
		until systemd-inhibit --list | grep -q APT; do sleep 0.05; done`)
	_, err = askBoot(t, h, first.Boot)
	wantRefusal(t, err, "the host must not go down now, says APT (process ")
	script("systemctl stop apt.service; while systemd-inhibit --list | grep -q APT; do sleep 0.05; done")

	reply, err := askBoot(t, h, first.Boot)
	if err != nil || !reply.Going {
		t.Fatalf("found %+v, %v", reply, err)
	}
	if err := h.AwaitBoot(ctx, first.Boot); err != nil {
		t.Fatal(err)
	}
	second, err := askBoot(t, h, first.Boot)
	if err != nil || second.Going || second.Boot == first.Boot || second.State.Needed || len(second.Failed) > 0 || second.Uptime > first.Uptime+2*time.Minute {
		t.Errorf("found %+v, %v", second, err)
	}
	if script("cat /root/stopped") != "stopped" {
		t.Error("a service was not stopped properly")
	}
	if lines := script("cat /var/lib/nixfleet/history.jsonl"); strings.Count(lines, "\n") != 0 || !strings.Contains(lines, `"boot":"`+first.Boot+`"`) {
		t.Errorf("found %s", lines)
	}
	if reply, err := askSlot(t, h, slotOf("r2/new", "1h")); err != nil || reply.Granted || reply.Holder != "r1/old" {
		t.Errorf("found %+v, %v", reply, err)
	}
	if reply, err := askBoot(t, h, ""); err != nil || reply.Boot != second.Boot {
		t.Errorf("it rebooted twice: %+v, %v", reply, err)
	}
}
