package schema

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Digest is a SHA-256 in the form "sha256:" and 64 lower-case hexadecimal digits.
type Digest string

//lint:ignore U1000 the published schemas are made of it
const digestPattern = `^sha256:[0-9a-f]{64}$`

// DigestOf returns the digest of raw bytes.
func DigestOf(data []byte) Digest {
	sum := sha256.Sum256(data)
	return Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// DigestOfValue returns the digest of v's canonical form.
func DigestOfValue(v any) (Digest, error) {
	data, err := Canonical(v)
	if err != nil {
		return "", err
	}
	return DigestOf(data), nil
}

// Short returns the first twelve hexadecimal digits, for people.
func (d Digest) Short() string {
	s := strings.TrimPrefix(string(d), "sha256:")
	return s[:min(12, len(s))]
}

// UnmarshalText accepts only a well-formed digest.
func (d *Digest) UnmarshalText(text []byte) error {
	if !isDigest(text) {
		return fmt.Errorf(`%q is not "sha256:" and 64 hexadecimal digits`, text)
	}
	*d = Digest(text)
	return nil
}

// isDigest is digestPattern, which would take most of the time of reading a plan.
func isDigest(text []byte) bool {
	digits, ok := bytes.CutPrefix(text, []byte("sha256:"))
	for _, b := range digits {
		ok = ok && (isDigit(b) || b >= 'a' && b <= 'f')
	}
	return ok && len(digits) == 64
}

// NarHash is a NAR's SHA-256 as Nix writes it (SRI): "sha256-" and base64.
type NarHash string

const narHashPattern = `^sha256-[A-Za-z0-9+/]{43}=$`

// UnmarshalText accepts only a well-formed SRI hash.
func (h *NarHash) UnmarshalText(text []byte) error {
	return parseInto(h, text, narHashRE, `"sha256-" and 44 base64 characters`)
}

// StorePath is an absolute path of one store object, as "/nix/store/<hash>-<name>".
type StorePath string

const storePathPattern = `^/nix/store/[0-9abcdfghijklmnpqrsvwxyz]{32}-[0-9A-Za-z+._?=-]{1,211}$`

// UnmarshalText accepts only the path of a store object, nothing below it.
func (p *StorePath) UnmarshalText(text []byte) error {
	return parseInto(p, text, storePathRE, `"/nix/store/<hash>-<name>"`)
}

// ParseStorePath returns s as a store path, or an error that says what was expected.
func ParseStorePath(s string) (p StorePath, err error) {
	err = p.UnmarshalText([]byte(s))
	return p, err
}

// Name returns the part after the hash: "hello-2.12" of "/nix/store/<hash>-hello-2.12".
func (p StorePath) Name() string {
	base := strings.TrimPrefix(string(p), "/nix/store/")
	if len(base) < 34 {
		return base
	}
	return base[33:]
}

// HostName is the name of a host in the inventory: letters, digits, '-', '.' and
// '_', at most 253 characters, beginning with a letter or digit.
type HostName string

const hostNamePattern = `^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$`

// UnmarshalText accepts only a well-formed host name.
func (n *HostName) UnmarshalText(text []byte) error {
	return parseInto(n, text, hostNameRE, "letters, digits, '-', '.', '_', at most 253 characters")
}

// Compare orders names as people do: web-2 is before web-10.
func (n HostName) Compare(other HostName) int {
	a, b := string(n), string(other)
	for a != "" && b != "" {
		x, y := digitsAt(a), digitsAt(b)
		if x == "" || y == "" {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		a, b = a[len(x):], b[len(y):]
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(n, other)) // web-1 and web-01 are not the same
}

// digitsAt returns the digits with which text begins.
func digitsAt(text string) string {
	end := 0
	for end < len(text) && isDigit(text[end]) {
		end++
	}
	return text[:end]
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// UnitName is the full name of a systemd unit with its type, as "nginx.service"
// or the template "worker@.service".
type UnitName string

const unitNamePattern = `^[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\-]*)?\.(service|socket|timer|path|mount|automount|target|slice|swap|device|scope)$`

// UnmarshalText accepts only the full name of a unit.
func (n *UnitName) UnmarshalText(text []byte) error {
	return parseInto(n, text, unitNameRE, `a unit name with its type, as "nginx.service"`)
}

// Type returns the unit's type without the dot: "service", "timer", ….
func (n UnitName) Type() string {
	return string(n[strings.LastIndexByte(string(n), '.')+1:])
}

// IsTemplate reports whether the name is a template's: "worker@.service".
func (n UnitName) IsTemplate() bool { return strings.Contains(string(n), "@.") }

// File returns the path of a managed unit's file.
func (n UnitName) File() string { return UnitDirectory + "/" + string(n) }

// Template returns the unit whose file a unit is of: of an instance, the template.
func (n UnitName) Template() UnitName {
	if before, after, ok := strings.Cut(string(n), "@"); ok {
		return UnitName(before + "@" + path.Ext(after))
	}
	return n
}

// AccountName is the name of a user or a group, as useradd(8) accepts it.
type AccountName string

const accountNamePattern = `^[a-z_][a-z0-9_-]{0,31}$`

// UnmarshalText accepts only a name that useradd(8) would.
func (n *AccountName) UnmarshalText(text []byte) error {
	return parseInto(n, text, accountNameRE, "a lower-case account name of at most 32 characters")
}

// Mode is a file mode as four octal digits: "0644".
type Mode string

const modePattern = `^[0-7]{4}$`

// UnmarshalText accepts only four octal digits.
func (m *Mode) UnmarshalText(text []byte) error {
	return parseInto(m, text, modeRE, `four octal digits, as "0644"`)
}

// Bits returns the mode's twelve bits as chmod(2) takes them.
func (m Mode) Bits() uint32 {
	bits, _ := strconv.ParseUint(string(m), 8, 32) // the type's values are octal
	return uint32(bits)
}

// ModeOf returns the twelve bits of a chmod(2) mode as a Mode.
func ModeOf(bits uint32) Mode { return Mode(fmt.Sprintf("%04o", bits&0o7777)) }

// System is a Nix system: CPU and kernel of a host.
type System string

// The systems that hosts may have.
const (
	X8664Linux   System = "x86_64-linux"
	AArch64Linux System = "aarch64-linux"
)

// IsKnown reports whether hosts may have the system.
func (s System) IsKnown() bool { return s == X8664Linux || s == AArch64Linux }

// Base is the kind of operating system that a host runs.
type Base string

// The bases. Ubuntu and Debian are one backend.
const (
	Ubuntu Base = "ubuntu"
	Debian Base = "debian"
	NixOS  Base = "nixos"
)

// IsKnown reports whether it is one of the bases.
func (b Base) IsKnown() bool { return b == Ubuntu || b == Debian || b == NixOS }

// Compiled at the first use: the helper's start on a host would notice it.
var (
	narHashRE     = lazily(narHashPattern)
	storePathRE   = lazily(storePathPattern)
	hostNameRE    = lazily(hostNamePattern)
	unitNameRE    = lazily(unitNamePattern)
	accountNameRE = lazily(accountNamePattern)
	modeRE        = lazily(modePattern)
)

func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

func parseInto[T ~string](target *T, text []byte, re func() *regexp.Regexp, want string) error {
	if !re().Match(text) {
		return fmt.Errorf("%q is not %s", text, want)
	}
	*target = T(text)
	return nil
}
