package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Hosts are the hosts of a plan by name. In JSON they stand as a list of
// [HostSet]s, so that an index grows by what differs and a reader sees what is alike.
type Hosts map[HostName]Host

// Host is a host's entry in the index.
type Host struct {
	// Manifest is the hash of what the host shall be.
	Manifest Digest
	// Connection says how the host is reached.
	Connection Connection
	// Groups are the groups of the host, sorted, without the implicit "all".
	Groups []string
	// Roles are the host's roles in the order of the inventory. For display.
	Roles []string
	// Tags are free words for selecting hosts.
	Tags map[string]string
	// Rollout is the host's or its groups' own policy; absent when none was declared.
	Rollout *RolloutPolicy
}

// HostSet is all hosts that are the same in everything but name, address and host
// keys. No two sets are alike, none is empty, and they stand in the order of their
// first hosts: a reader refuses any other form.
type HostSet struct {
	// Manifest is the hash of what the hosts shall be.
	Manifest Digest `json:"manifest"`
	// User is the account to log in with.
	User string `json:"user"`
	// Port is the SSH port, 1 to 65535.
	Port int `json:"port"`
	// ProxyJump is a jump host as in ssh_config(5); absent for a direct connection.
	ProxyJump string `json:"proxyJump,omitempty"`
	// Groups are the groups of the hosts, sorted, without the implicit "all".
	Groups []string `json:"groups,omitempty"`
	// Roles are the hosts' roles in the order of the inventory. For display.
	Roles []string `json:"roles,omitempty"`
	// Tags are free words for selecting hosts.
	Tags map[string]string `json:"tags,omitempty"`
	// Rollout is the policy of the hosts or their groups; absent when none was declared.
	Rollout *RolloutPolicy `json:"rollout,omitempty"`
	// Addresses are the hosts: each one's DNS name or IP address, without a port.
	Addresses map[HostName]string `json:"addresses"`
	// HostKeys are the hosts' public keys, as "ssh-ed25519 AAAA…". Where a host has
	// none, the operator's known_hosts decides.
	HostKeys map[HostName][]string `json:"hostKeys,omitempty"`
}

// Names returns the names of the hosts, sorted.
func (h Hosts) Names() []HostName { return slices.Sorted(maps.Keys(h)) }

// MarshalJSON writes the hosts as sets.
func (h Hosts) MarshalJSON() ([]byte, error) {
	sets := []*HostSet{}
	alike := map[string]*HostSet{}
	for _, name := range h.Names() {
		host := h[name]
		set := host.alone()
		key, err := set.key()
		if err != nil {
			return nil, err
		}
		if known, ok := alike[key]; ok {
			set = known
		} else {
			set.Addresses = map[HostName]string{}
			alike[key] = set
			sets = append(sets, set)
		}
		set.Addresses[name] = host.Connection.Address
		if keys := host.Connection.HostKeys; len(keys) > 0 {
			if set.HostKeys == nil {
				set.HostKeys = map[HostName][]string{}
			}
			set.HostKeys[name] = keys
		}
	}
	return json.Marshal(sets)
}

// alone is the host's set without the host.
func (h Host) alone() *HostSet {
	return &HostSet{
		Manifest: h.Manifest, User: h.Connection.User, Port: h.Connection.Port, ProxyJump: h.Connection.ProxyJump,
		Groups: h.Groups, Roles: h.Roles, Tags: h.Tags, Rollout: h.Rollout,
	}
}

// key is the same for sets whose hosts are alike.
func (s *HostSet) key() (string, error) {
	rest := *s
	rest.Addresses, rest.HostKeys = nil, nil
	key, err := json.Marshal(rest)
	return string(key), err
}

// UnmarshalJSON reads sets of hosts and refuses every form but the one that
// MarshalJSON writes.
func (h *Hosts) UnmarshalJSON(data []byte) error {
	var sets []HostSet
	if err := Decode(data, &sets); err != nil {
		return err
	}
	hosts := Hosts{}
	alike := map[string]HostName{}
	last := HostName("")
	for i := range sets {
		first, err := hosts.add(&sets[i])
		if err != nil {
			return fmt.Errorf("host set %d: %w", i+1, err)
		}
		if first < last {
			return fmt.Errorf("host set %d: the sets are out of order: %q stands after %q", i+1, first, last)
		}
		last = first
		key, err := sets[i].key()
		if err != nil {
			return err
		}
		if other, ok := alike[key]; ok {
			return fmt.Errorf("host set %d: %q is like %q and belongs into its set", i+1, first, other)
		}
		alike[key] = first
	}
	*h = hosts
	return nil
}

// add takes the hosts of a set and returns the first.
func (h Hosts) add(set *HostSet) (HostName, error) {
	if len(set.Addresses) == 0 {
		return "", errors.New("it has no hosts")
	}
	names := slices.Sorted(maps.Keys(set.Addresses))
	for _, name := range names {
		if _, twice := h[name]; twice {
			return "", fmt.Errorf("%q stands in an earlier set already", name)
		}
		h[name] = Host{
			Manifest: set.Manifest,
			Connection: Connection{
				Address: set.Addresses[name], Port: set.Port, User: set.User, HostKeys: set.HostKeys[name], ProxyJump: set.ProxyJump,
			},
			Groups: set.Groups, Roles: set.Roles, Tags: set.Tags, Rollout: set.Rollout,
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set.HostKeys)) {
		if _, ok := set.Addresses[name]; !ok {
			return "", fmt.Errorf("there are host keys of %q, which is not in it", name)
		}
		if len(set.HostKeys[name]) == 0 {
			return "", fmt.Errorf("the list of host keys of %q is empty", name)
		}
	}
	return names[0], nil
}
