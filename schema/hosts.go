package schema

import (
	"errors"
	"fmt"
	"iter"
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
}

// InGroup reports whether a host is in a group; all are in "all".
func (h Host) InGroup(group string) bool {
	return group == "all" || slices.Contains(h.Groups, group)
}

// HostSet is all hosts that are the same in everything but name, address and host
// keys. No two sets are alike, none is empty, and they stand in the order of their
// first hosts, web-2 before web-10: a reader refuses any other form.
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
	// Addresses are the hosts: each one's DNS name or IP address, without a port. Three
	// or more whose numbers follow each other, those of names and of addresses, stand
	// as ranges: "web-[1-20]": "10.0.1.[11-30]". A reader refuses any other form.
	Addresses map[HostRange]string `json:"addresses"`
	// HostKeys are the hosts' public keys, as "ssh-ed25519 AAAA…". Where a host has
	// none, the operator's known_hosts decides.
	HostKeys map[HostName][]string `json:"hostKeys,omitempty"`
}

// Names returns the names of the hosts in the order of [HostName.Compare].
func (h Hosts) Names() []HostName { return sortedNames(maps.Keys(h)) }

func sortedNames(names iter.Seq[HostName]) []HostName {
	return slices.SortedFunc(names, HostName.Compare)
}

// MarshalJSON writes the hosts as sets.
func (h Hosts) MarshalJSON() ([]byte, error) { return Canonical(h) }

// WireValue returns the hosts as sets.
func (h Hosts) WireValue() any {
	sets := []*HostSet{}
	alike := map[string]*HostSet{}
	members := map[*HostSet][]HostName{}
	for _, name := range h.Names() {
		host := h[name]
		set := host.alone()
		key := set.key()
		if known, ok := alike[key]; ok {
			set = known
		} else {
			alike[key] = set
			sets = append(sets, set)
		}
		members[set] = append(members[set], name)
		if keys := host.Connection.HostKeys; len(keys) > 0 {
			if set.HostKeys == nil {
				set.HostKeys = map[HostName][]string{}
			}
			set.HostKeys[name] = keys
		}
	}
	for _, set := range sets {
		set.Addresses = h.addresses(members[set])
	}
	return sets
}

// addresses writes the addresses of hosts with ranges.
func (h Hosts) addresses(names []HostName) map[HostRange]string {
	addresses := make([]string, len(names))
	for i, name := range names {
		addresses[i] = h[name].Connection.Address
	}
	table := map[HostRange]string{}
	for len(names) > 0 {
		first, n := seriesAt(names, addresses)
		if n < shortest {
			table[HostRange(names[0])] = addresses[0]
			n = 1
		} else {
			table[HostRange(first.name.to(n))] = first.address.to(n)
		}
		names, addresses = names[n:], addresses[n:]
	}
	return table
}

// alone is the host's set without the host.
func (h Host) alone() *HostSet {
	return &HostSet{
		Manifest: h.Manifest, User: h.Connection.User, Port: h.Connection.Port, ProxyJump: h.Connection.ProxyJump,
		Groups: h.Groups, Roles: h.Roles, Tags: h.Tags,
	}
}

// key is the same for sets whose hosts are alike.
func (s *HostSet) key() string {
	rest := *s
	rest.Addresses, rest.HostKeys = nil, nil
	key, _ := Canonical(rest) // a port beyond 2^53 is refused where all is written
	return string(key)
}

// UnmarshalJSON reads sets of hosts and refuses every form but the one that
// MarshalJSON writes.
func (h *Hosts) UnmarshalJSON(data []byte) error {
	return h.ReadWire(data, func(target any) error { return Decode(data, target) })
}

// ReadWire reads sets of hosts and checks that they are in the one form that is written.
func (h *Hosts) ReadWire(_ []byte, decode func(target any) error) error {
	var sets []HostSet
	if err := decode(&sets); err != nil {
		return err
	}
	if count(sets) > maxHosts {
		return fmt.Errorf("there are more than %d hosts, and no plan has", maxHosts)
	}
	hosts := Hosts{}
	alike := map[string]HostName{}
	last := HostName("")
	for i := range sets {
		first, err := hosts.add(&sets[i])
		if err != nil {
			return fmt.Errorf("host set %d: %w", i+1, err)
		}
		if first.Compare(last) < 0 {
			return fmt.Errorf("host set %d: the sets are out of order: %q stands after %q", i+1, first, last)
		}
		last = first
		key := sets[i].key()
		if other, ok := alike[key]; ok {
			return fmt.Errorf("host set %d: %q is like %q and belongs into its set", i+1, first, other)
		}
		alike[key] = first
	}
	*h = hosts
	return nil
}

func count(sets []HostSet) int {
	n := 0
	for _, set := range sets {
		for r := range set.Addresses {
			n += r.count()
		}
	}
	return n
}

// add takes the hosts of a set and returns the first.
func (h Hosts) add(set *HostSet) (HostName, error) {
	var names []HostName
	for _, r := range slices.Sorted(maps.Keys(set.Addresses)) {
		more, err := h.addRange(set, r)
		if err != nil {
			return "", err
		}
		names = append(names, more...)
	}
	if len(names) == 0 {
		return "", errors.New("it has no hosts")
	}
	slices.SortFunc(names, HostName.Compare)
	written := h.addresses(names)
	for _, r := range slices.Sorted(maps.Keys(written)) {
		if set.Addresses[r] != written[r] {
			return "", fmt.Errorf("its addresses are not written as they must be: expected %q: %q", r, written[r])
		}
	}
	return names[0], checkKeys(set, names)
}

// addRange takes the hosts of a range in a set and returns them.
func (h Hosts) addRange(set *HostSet, r HostRange) ([]HostName, error) {
	names, err := r.expand()
	if err != nil {
		return nil, err
	}
	address := func(int) string { return set.Addresses[r] }
	if r.isRange() {
		first, n, _ := parseRange(set.Addresses[r])
		if n != len(names) {
			return nil, fmt.Errorf("expected a range of %d addresses for %q, found %q", len(names), r, set.Addresses[r])
		}
		address = first.text
	}
	for i, name := range names {
		if _, twice := h[name]; twice {
			return nil, fmt.Errorf("%q stands in the index already", name)
		}
		h[name] = Host{
			Manifest: set.Manifest,
			Connection: Connection{
				Address: address(i), Port: set.Port, User: set.User, HostKeys: set.HostKeys[name], ProxyJump: set.ProxyJump,
			},
			Groups: set.Groups, Roles: set.Roles, Tags: set.Tags,
		}
	}
	return names, nil
}

func checkKeys(set *HostSet, names []HostName) error {
	for _, name := range sortedNames(maps.Keys(set.HostKeys)) {
		if _, ok := slices.BinarySearchFunc(names, name, HostName.Compare); !ok {
			return fmt.Errorf("there are host keys of %q, which is not in it", name)
		}
		if len(set.HostKeys[name]) == 0 {
			return fmt.Errorf("the list of host keys of %q is empty", name)
		}
	}
	return nil
}
