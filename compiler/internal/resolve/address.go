package resolve

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

var (
	addressRE = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?$`)
	numericRE = regexp.MustCompile(`^[0-9.]+$`)
	portedRE  = regexp.MustCompile(`^(\[[^\]]*\]|[^:]*):([0-9]+)$`)
	schemeRE  = regexp.MustCompile(`^[a-z+]+://([^/]*).*$`)
)

// address returns the address without brackets, after checking that it is one.
func (r *resolver) address(addr string) string {
	plain, finding := checkAddress(addr)
	if finding.Summary == "" {
		return plain
	}
	finding.Code, finding.Option, finding.Position = diagnostic.HostAddress, "hosts."+attribute(r.host)+".addr", r.locate(r.host, "addr")
	if addr == "" {
		finding.Code, finding.Summary = diagnostic.HostNoAddress, fmt.Sprintf("the host %q has no address", r.host)
		finding.Hint = "give the host an addr: a DNS name or an IP address"
	}
	r.report(finding)
	return addr
}

// checkAddress returns a DNS name, an IP address or a host of ssh_config; for
// anything else what is wrong, and what was meant.
func checkAddress(addr string) (plain string, _ diagnostic.Diagnostic) {
	refuse := func(because, hint string) (string, diagnostic.Diagnostic) {
		return "", diagnostic.Diagnostic{Summary: fmt.Sprintf("%q is not an address%s", addr, because), Hint: hint}
	}
	plain = strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]")
	if ip, err := netip.ParseAddr(plain); err == nil {
		return ip.String(), diagnostic.Diagnostic{}
	}
	if inner := schemeRE.FindStringSubmatch(addr); inner != nil {
		return refuse(": it is a URL", apart(inner[1]))
	}
	if inner := strings.TrimSpace(addr); inner != addr {
		return refuse(": it has a space before or after it", fmt.Sprintf("write %q", inner))
	}
	if strings.Contains(addr, "@") {
		return refuse(": it has a user in it", apart(addr))
	}
	if portedRE.MatchString(addr) {
		return refuse(": it has a port in it", apart(addr))
	}
	if _, err := netip.ParsePrefix(addr); err == nil {
		return refuse(": it is a network", "write the address of one host, without the slash and what follows")
	}
	switch {
	case strings.ContainsAny(addr, " \t\n"):
		return refuse(": it has a space in it", "a host has one address; how else it is reached is for ~/.ssh/config")
	case numericRE.MatchString(plain):
		return refuse("", "an IPv4 address is four numbers from 0 to 255 with dots between, without zeros before them")
	case strings.Contains(addr, ":"):
		return refuse("", "an IPv6 address is written as 2001:db8::1")
	case strings.ContainsFunc(addr, func(c rune) bool { return c > '~' }):
		return refuse(": DNS has ASCII only", "write the name as DNS has it, which begins with xn--")
	case !isName(plain):
		return refuse("", "write a DNS name or an IP address; port and user have fields of their own")
	}
	return plain, diagnostic.Diagnostic{}
}

func isName(name string) bool {
	if len(name) > 253 || !addressRE.MatchString(name) {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return true
}

// apart takes [user@]host[:port] apart.
func apart(place string) string {
	var fields []string
	user, host, found := strings.Cut(place, "@")
	if !found {
		user, host = "", place
	}
	port := ""
	if match := portedRE.FindStringSubmatch(host); match != nil {
		host, port = match[1], match[2]
	}
	fields = append(fields, "addr is "+strings.Trim(host, "[]"))
	if user != "" {
		fields = append(fields, "user is "+user)
	}
	if port != "" {
		fields = append(fields, "port is "+port)
	}
	if len(fields) == 1 {
		return "say it in the host's field: " + fields[0]
	}
	return "say it in the host's fields: " + strings.Join(fields, ", ")
}
