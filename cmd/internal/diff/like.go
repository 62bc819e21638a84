package diff

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/nixfleet/nixfleet/schema"
)

// like returns a host that stays and that a host which comes is like, but for their
// own names and addresses: of the hosts of the same groups and roles, the first.
func (c *comparison) like(name schema.HostName) schema.HostName {
	if c.firsts == nil {
		c.firsts = map[string]schema.HostName{}
		for _, name := range c.new.Index.Hosts.Names() {
			key := alike(c.new.Index.Hosts[name])
			if _, stays := c.before[name]; stays && c.firsts[key] == "" {
				c.firsts[key] = name
			}
		}
	}
	first := c.firsts[alike(c.new.Index.Hosts[name])]
	if first == "" || c.own(first) != c.own(name) {
		return ""
	}
	return first
}

func alike(h schema.Host) string { return fmt.Sprintf("%q %q", h.Groups, h.Roles) }

// own writes a host's manifest with all its texts, without the host's own names. Its
// closure, in whose hash they are, is left out; its packages are not.
func (c *comparison) own(name schema.HostName) string {
	m := c.new.Manifests[c.new.Index.Hosts[name].Manifest]
	host := member{name: name, host: c.new.Index.Hosts[name]}
	plain := func(payload schema.Digest) schema.Digest {
		data, _ := c.new.Payloads[payload].Bytes() // verified
		return schema.DigestOf([]byte(withoutOwn(host, string(data))))
	}
	m.Closure = nil
	m.Files, m.Units = slices.Clone(m.Files), slices.Clone(m.Units)
	for i := range m.Files {
		if m.Files[i].Payload != "" {
			m.Files[i].Payload = plain(m.Files[i].Payload)
		}
	}
	for i := range m.Units {
		m.Units[i].Payload = plain(m.Units[i].Payload)
	}
	written, err := json.Marshal(m)
	if err != nil {
		return string(name) // like no other
	}
	return withoutOwn(host, string(written))
}
