package policy

import "github.com/nixfleet/nixfleet/schema"

// samples are what a test's partial plan is completed with, by what it is: what the
// format has, with what is most usual of it.
func samples() map[string]any {
	manifest := schema.Manifest{
		Version: schema.ManifestVersion, Base: schema.Ubuntu, System: schema.X8664Linux, Settle: "5s",
		Activation: schema.Activation{ConfirmWindow: "1m0s", KeepGenerations: 10},
	}
	lists := map[string]any{
		"packages": nil, // completed by hand: see manifestTree
		"groups":   schema.Group{}, "users": schema.User{Group: "users", Shell: "/bin/sh"},
		"directories": schema.Directory{Mode: "0755", Owner: "root", Group: "root"},
		"files":       schema.File{Mode: "0644", Owner: "root", Group: "root"},
		"units":       schema.Unit{Enabled: true, OnChange: schema.Restart},
		"restarts":    schema.RestartRule{},
		"healthChecks": schema.HealthCheck{
			Kind: schema.CheckUnit, From: schema.OnHost, StartDelay: "0s", Interval: "2s", Timeout: "10s",
		},
		"hooks":   schema.Hook{When: schema.BeforeActivation, On: schema.OnHost, Timeout: "1m0s"},
		"tasks":   schema.Task{User: "root", Timeout: "1m0s"},
		"secrets": schema.Secret{Mode: "0400", Owner: "root", Group: "root"},
	}
	for name, sample := range lists {
		if sample != nil {
			lists[name] = tree(sample)
		}
	}
	lists["packages"] = map[string]any{"name": "", "version": "", "path": nil}
	lists["files"].(map[string]any)["text"] = nil
	lists["units"].(map[string]any)["text"] = ""
	return map[string]any{
		"manifest": manifestTree(&manifest), "lists": lists,
		"osUpdates": tree(schema.OSUpdates{}), "ubuntu": tree(schema.UbuntuUpdates{Mode: "manual"}), "nixos": tree(schema.NixOSUpdates{}),
		"reboot": tree(schema.RebootPolicy{Deadline: "10m0s", Stability: "30s"}),
		"host": map[string]any{
			"wave": "all", "groups": []any{}, "roles": []any{}, "tags": map[string]any{}, "address": "192.0.2.1", "port": 22.0, "user": "root", "proxyJump": nil,
		},
		"plan":    map[string]any{"fleet": "test", "timeZone": "UTC", "source": tree(schema.Source{})},
		"rollout": tree(schema.Rollout{MaxParallel: 10}), "wave": tree(schema.Wave{}),
		"limit": tree(schema.Limit{MaxParallel: 1}), "budget": tree(schema.Budget{}), "gate": tree(schema.Gate{Interval: "10s", Timeout: "1m0s"}),
		"reboots": tree(schema.Reboots{MaxConcurrent: 1}), "rebootLimit": tree(schema.RebootLimit{MaxConcurrent: 1}),
		"rebootWave": tree(schema.RebootWave{Deadline: "10m0s", Stability: "30s"}),
	}
}
