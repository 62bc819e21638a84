package schema

import "fmt"

// Feature is something that a plan may need of the executor.
type Feature string

// The features that a plan can name and this version cannot carry out yet.
const (
	FeatureNixOS     Feature = "base nixos"
	FeatureOSUpdates Feature = "osUpdates"
	FeatureSecrets   Feature = "secrets"
)

// Need is a feature that a host's part of a plan needs.
type Need struct {
	// Feature is what is needed.
	Feature Feature
	// Host is the host that needs it.
	Host HostName
	// Detail is the setting that asks for it, as the intent writes it.
	Detail string
}

// Needs returns what the plan needs beyond applying closures, files, accounts
// and units, sorted by host. An executor refuses a plan that needs what it cannot do.
func (p *Plan) Needs() []Need {
	var needs []Need
	for _, name := range p.Index.Hosts.Names() {
		host := p.Index.Hosts[name]
		manifest := p.Manifests[host.Manifest]
		if manifest.Base == NixOS {
			needs = append(needs, Need{FeatureNixOS, name, `base = "nixos"`})
		}
		needs = appendUpdateNeeds(needs, name, manifest.OSUpdates)
		needs = appendPolicyNeeds(needs, name, &manifest)
	}
	return needs
}

// appendPolicyNeeds asks for what surrounds a change. Tasks need nothing: an
// execution does not run them.
func appendPolicyNeeds(needs []Need, host HostName, m *Manifest) []Need {
	for _, secret := range m.Secrets {
		needs = append(needs, Need{FeatureSecrets, host, "secrets." + secret.Name})
	}
	return needs
}

func appendUpdateNeeds(needs []Need, host HostName, updates *OSUpdates) []Need {
	if updates == nil || updates.Ubuntu == nil {
		return needs
	}
	add := func(needed bool, detail string) {
		if needed {
			needs = append(needs, Need{FeatureOSUpdates, host, "osUpdates.ubuntu." + detail})
		}
	}
	u := updates.Ubuntu
	add(u.Mode != "manual", fmt.Sprintf("mode = %q", u.Mode))
	add(len(u.Holds) > 0, fmt.Sprintf("holds = %q", u.Holds))
	return needs
}
