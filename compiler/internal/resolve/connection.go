package resolve

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

var (
	loginRE = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@+\\-]{0,63}\$?$`)
	jumpRE  = regexp.MustCompile(`^[A-Za-z0-9_\[][^\s,]*(,[A-Za-z0-9_\[][^\s,]*)*$`)
)

// connection checks how the host is reached, and drops brackets and comments.
func (r *resolver) connection() {
	c := &r.intent.Connection
	c.Address = r.address(c.Address)
	if !loginRE.MatchString(c.User) {
		r.refuseConnection("user", fmt.Sprintf("%q is not the name of a user", c.User))
	}
	if c.ProxyJump != "" && !jumpRE.MatchString(c.ProxyJump) {
		r.refuseConnection("proxyJump", fmt.Sprintf("%q is not a jump host: expected [user@]host[:port], or several with commas", c.ProxyJump))
	}
	for i, key := range c.HostKeys {
		plain, err := hostKey(key)
		if err != nil {
			r.refuseConnection("hostKeys", err.Error())
		}
		c.HostKeys[i] = plain
	}
}

func (r *resolver) refuseConnection(field, because string) {
	r.report(diagnostic.Diagnostic{
		Code: diagnostic.HostConnection, Option: "hosts." + attribute(r.host) + "." + field,
		Position: r.locate(r.host, field), Summary: because,
	})
}

// hostKey returns a public key without its comment.
func hostKey(line string) (string, error) {
	fields := strings.Fields(line)
	refuse := func(because string) (string, error) {
		return "", fmt.Errorf("%q is not a host key: %s; expected it as in /etc/ssh/ssh_host_ed25519_key.pub", line, because)
	}
	if len(fields) < 2 {
		return refuse("it has no key after the type")
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil || len(blob) < 4 {
		return refuse("the key is not base64")
	}
	size := binary.BigEndian.Uint32(blob)
	if uint64(size) > uint64(len(blob)-4) || !bytes.Equal(blob[4:4+size], []byte(fields[0])) {
		return refuse("type and key do not belong together")
	}
	return fields[0] + " " + fields[1], nil
}

// sameAddress refuses hosts that are reached at one address and port: they would
// be one host with two wills.
func sameAddress(hosts []Host, locate Locate) diagnostic.List {
	type place struct {
		address, jump string
		port          int
	}
	first := map[place]schema.HostName{}
	var found diagnostic.List
	for _, h := range slices.SortedFunc(slices.Values(hosts), func(a, b Host) int { return cmp.Compare(a.Name, b.Name) }) {
		if h.Connection.Address == "" {
			continue
		}
		key := place{strings.ToLower(strings.TrimSuffix(h.Connection.Address, ".")), h.Connection.ProxyJump, h.Connection.Port}
		other, taken := first[key]
		if !taken {
			first[key] = h.Name
			continue
		}
		found = append(found, diagnostic.Diagnostic{
			Code: diagnostic.HostSamePlace, Severity: diagnostic.Error, Host: h.Name,
			Position: locate(string(h.Name), "addr"), Option: "hosts." + attribute(string(h.Name)) + ".addr",
			Summary: fmt.Sprintf("the hosts %q and %q are both at %s, port %d", other, h.Name, h.Connection.Address, h.Connection.Port),
		})
	}
	return found
}
