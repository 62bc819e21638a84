package compiler_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/compiler"
)

// largeFleet is a fleet of hosts with 20 files, 3 units and a user each. Where they
// differ, every host has texts of its own.
const largeFleet = `{
  outputs = _: {
    nixfleet = { nixfleet, ... }: nixfleet.mkFleet {
      modules = [
        ({ lib, host, ... }: {
          nixfleet.files = lib.genAttrs (map (n: "/etc/app/${toString n}.conf") (lib.range 1 20)) (path: {
            text = "path = ${path}\nhost = ${if %t then host.name else "any"}\nport = 8080\n";
            restartUnits = [ "app-1.service" ];
          });
          nixfleet.systemd.units = lib.genAttrs [ "app-1.service" "app-2.service" "app-3.service" ] (unit: {
            text = "[Unit]\nDescription=${unit}\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";
            enabled = true;
          });
          nixfleet.users.app = { system = true; uid = 991; home = "/var/lib/app"; };
        })
      ];
    };
  };
}
`

func writeLargeFleet(t testing.TB, hosts int, differ bool) string {
	t.Helper()
	var inventory strings.Builder
	inventory.WriteString("defaults: { base: ubuntu }\nhosts:\n")
	for i := range hosts {
		fmt.Fprintf(&inventory, "  web-%d: { addr: 10.%d.%d.%d, groups: [web] }\n", i, i>>16, i>>8&255, i&255)
	}
	inventory.WriteString("groups: { web: {} }\n")
	return write(t, map[string]string{
		"flake.nix":           fmt.Sprintf(largeFleet, differ),
		"inventory/prod.yaml": inventory.String(),
	})
}

func BenchmarkCompile(b *testing.B) {
	for _, hosts := range []int{100, 1000} {
		for _, differ := range []bool{false, true} {
			b.Run(fmt.Sprintf("hosts=%d/differ=%t", hosts, differ), func(b *testing.B) {
				in := input("path:" + writeLargeFleet(b, hosts, differ))
				in.NoBuild = true
				for b.Loop() {
					plan, found, err := compiler.Compile(context.Background(), in, compiler.Deps{Environ: environ(nil), TempDir: b.TempDir()})
					if err != nil {
						b.Fatal(err, found)
					}
					data, err := plan.Encode()
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(len(data))/1e6, "MB/plan")
				}
			})
		}
	}
}

// TestPlanGrowsByWhatDiffers compares the plans of 10 and of 1,000 hosts that are alike.
func TestPlanGrowsByWhatDiffers(t *testing.T) {
	needNix(t)
	t.Parallel()
	size := func(hosts int) int {
		in := input("path:" + writeLargeFleet(t, hosts, false))
		in.NoBuild = true
		return len(encode(t, compile(t, in)))
	}
	small, large := size(10), size(1000)
	t.Logf("%d and %d bytes: %.2f times", small, large, float64(large)/float64(small))
	if large > 3*small {
		t.Errorf("the plan of 1,000 hosts has %d bytes, more than 3 times the %d of 10", large, small)
	}
}
