package observe

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/base"
	"github.com/nixfleet/nixfleet/schema"
)

func TestDisksAreToldOnce(t *testing.T) {
	found := disks(rootWith(t, map[string]string{"/etc/x": "", "/var/x": ""}))
	if len(found) != 1 || len(found[0].Paths) != 3 || found[0].Size <= 0 || found[0].Free < 0 || found[0].Free > found[0].Size {
		t.Errorf("found %+v", found)
	}
}

func TestTheYoungerOfTwoUpdates(t *testing.T) {
	host := Host{Root: rootWith(t, nil), Base: &base.Base{}, State: &schema.State{}, Location: time.UTC}
	host.Base.LastUpdate = func(string, *time.Location) *schema.OSUpdateState {
		return &schema.OSUpdateState{At: time.Date(2026, 4, 20, 0, 0, 0, 0, time.UTC), Summary: "logged"}
	}
	ours := &schema.OSUpdateState{At: time.Date(2026, 4, 25, 0, 0, 0, 0, time.UTC), Summary: "ours"}
	host.State.LastOSUpdate = ours
	if found := LastUpdate(host); found != ours {
		t.Errorf("found %+v", found)
	}
	ours.At = time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC)
	if found := LastUpdate(host); found == nil || found.Summary != "logged" {
		t.Errorf("found %+v", found)
	}
}

// rootWith returns the root of a host with these files.
func rootWith(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, content := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
