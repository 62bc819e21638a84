package schema

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// HostRange is the name of a host, or of hosts whose numbers follow each other:
// "web-[9-11].eu" is web-9.eu, web-10.eu and web-11.eu; "db[08-10]" has db08.
type HostRange string

const hostRangePattern = `^([A-Za-z0-9][A-Za-z0-9._-]{0,252}|([A-Za-z0-9][A-Za-z0-9._-]{0,251})?\[[0-9]{1,9}-[0-9]{1,9}\][A-Za-z0-9._-]{0,251})$`

// UnmarshalText accepts only a well-formed range.
func (r *HostRange) UnmarshalText(text []byte) error {
	if !hostRangeRE().Match(text) {
		return fmt.Errorf(`%q is not the name of a host, or a range as "web-[1-20]"`, text)
	}
	*r = HostRange(text)
	return nil
}

// maxHosts bounds what ranges can stand for.
const maxHosts = 1_000_000

// shortest is how many texts make a range at least.
const shortest = 3

// RangesOf writes hosts shortly, in the order in which they are given.
func RangesOf(hosts []HostName) []HostRange {
	ranges := []HostRange{}
	for len(hosts) > 0 {
		first, n := seriesAt(hosts, nil)
		if n < shortest {
			ranges = append(ranges, HostRange(hosts[0]))
			n = 1
		} else {
			ranges = append(ranges, HostRange(first.name.to(n)))
		}
		hosts = hosts[n:]
	}
	return ranges
}

const decimals = "0123456789"

// series are texts that are the same around a number, which grows by one each
// time. This is the first of them.
type series struct{ before, number, after string }

// pair is a series of names, and the one of their addresses.
type pair struct{ name, address series }

// seriesAt returns how many hosts at the beginning of a list are one series, and
// their addresses with them, where these are given.
func seriesAt(names []HostName, addresses []string) (first pair, n int) {
	if len(names) < shortest {
		return pair{}, 1
	}
	var ok bool
	if first.name, ok = seriesOf(string(names[0]), string(names[1])); !ok {
		return pair{}, 1
	}
	if addresses != nil {
		if first.address, ok = seriesOf(addresses[0], addresses[1]); !ok {
			return pair{}, 1
		}
	}
	for n = 1; n < len(names) && first.name.text(n) == string(names[n]); n++ {
		if addresses != nil && first.address.text(n) != addresses[n] {
			break
		}
	}
	return first, n
}

// seriesOf splits a at the number in which b differs from it first.
func seriesOf(a, b string) (series, bool) {
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	before := strings.TrimRight(a[:same], decimals)
	after := strings.TrimLeft(a[len(before):], decimals)
	number := a[len(before) : len(a)-len(after)]
	plain := !strings.ContainsAny(a, "[]") // an address may have brackets of its own
	return series{before, number, after}, plain && number != "" && len(number) <= 9
}

// text returns the series' text after n others. All have as many digits as the
// first, at least.
func (s series) text(n int) string {
	return s.before + s.digits(n) + s.after
}

func (s series) digits(n int) string {
	number, _ := strconv.Atoi(s.number) // nine digits at most
	return fmt.Sprintf("%0*d", len(s.number), number+n)
}

// to writes n texts of the series as a range.
func (s series) to(n int) string {
	return s.before + "[" + s.number + "-" + s.digits(n-1) + "]" + s.after
}

const rangePattern = `^([^\[\]]*)\[([0-9]{1,9})-([0-9]{1,9})\]([^\[\]]*)$`

// Compiled at the first use, as the patterns of values are.
var (
	hostRangeRE = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(hostRangePattern) })
	rangeRE     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(rangePattern) })
)

// parseRange reads what [series.to] writes: the first text and their number.
func parseRange(text string) (first series, n int, ok bool) {
	parts := rangeRE().FindStringSubmatch(text)
	if parts == nil {
		return series{}, 0, false
	}
	from, _ := strconv.Atoi(parts[2]) // nine digits at most
	to, _ := strconv.Atoi(parts[3])
	return series{parts[1], parts[2], parts[4]}, to - from + 1, to >= from
}

func (r HostRange) isRange() bool { return strings.Contains(string(r), "[") }

// count returns how many hosts a well-formed range stands for.
func (r HostRange) count() int {
	if !r.isRange() {
		return 1
	}
	_, n, _ := parseRange(string(r))
	return max(0, n)
}

// expand returns the hosts of a well-formed range.
func (r HostRange) expand() ([]HostName, error) {
	if !r.isRange() {
		return []HostName{HostName(r)}, nil
	}
	first, n, ok := parseRange(string(r))
	if !ok {
		return nil, fmt.Errorf("the range %q ends before it begins", r)
	}
	hosts := make([]HostName, n)
	for i := range hosts {
		hosts[i] = HostName(first.text(i))
	}
	var longest HostName
	return hosts, longest.UnmarshalText([]byte(hosts[n-1]))
}
