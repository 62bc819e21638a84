package resolve

import (
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	for addr, want := range map[string]string{
		"10.0.1.11": "10.0.1.11", "web-1": "web-1", "web_1": "web_1", "web-1.example.org.": "web-1.example.org.",
		"2001:db8::1": "2001:db8::1", "[2001:DB8::1]": "2001:db8::1", "fe80::1%eth0": "fe80::1%eth0", "1und1.de": "1und1.de",
		"::ffff:10.0.0.1": "::ffff:10.0.0.1",
	} {
		if plain, finding := checkAddress(addr); plain != want || finding.Summary != "" {
			t.Errorf("%q gives %q, %v, want %q", addr, plain, finding, want)
		}
	}
	const ipv4 = "an IPv4 address is four numbers from 0 to 255"
	for addr, want := range map[string]string{
		"300.1.2.3":                  `"300.1.2.3" is not an address [` + ipv4,
		"1.2.3":                      ipv4,
		"1.2.3.4.5":                  ipv4,
		"010.0.0.1":                  ipv4,
		"1234":                       ipv4,
		"10.0.0.1.":                  ipv4,
		"10.0.0.1 ":                  `"10.0.0.1 " is not an address: it has a space before or after it [write "10.0.0.1"`,
		"10.0.0.1:22":                `: it has a port in it [say it in the host's fields: addr is 10.0.0.1, port is 22`,
		"host:2222":                  `addr is host, port is 2222`,
		"[::1]:22":                   `: it has a port in it [say it in the host's fields: addr is ::1, port is 22`,
		"deploy@10.0.0.4":            `: it has a user in it [say it in the host's fields: addr is 10.0.0.4, user is deploy`,
		"ssh://deploy@10.0.0.5:2222": `: it is a URL [say it in the host's fields: addr is 10.0.0.5, user is deploy, port is 2222`,
		"https://example.org/path":   `: it is a URL [say it in the host's field: addr is example.org`,
		"10.0.0.0/24":                `: it is a network [write the address of one host`,
		"a b":                        `: it has a space in it`,
		"1::2::3":                    `an IPv6 address is written as 2001:db8::1`,
		"wéb":                        `: DNS has ASCII only`,
		"-x":                         `write a DNS name or an IP address`,
		"a..b":                       `write a DNS name or an IP address`,
		strings.Repeat("a", 64):      `write a DNS name or an IP address`,
		"web/1":                      `write a DNS name or an IP address`,
	} {
		_, finding := checkAddress(addr)
		if found := finding.Summary + " [" + finding.Hint; !strings.Contains(found, want) {
			t.Errorf("%q gives %q, want %q", addr, found, want)
		}
	}
}
