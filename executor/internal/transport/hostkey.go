package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// trust decides on the host key of one host.
type trust struct {
	host    string // for people: the plan's name
	address string // "address:port", as known_hosts knows it
	pins    []ssh.PublicKey
	known   *knownFiles
}

// check is the ssh.HostKeyCallback: pins, where there are any, and nothing else;
// otherwise known_hosts.
func (t *trust) check(_ string, remote net.Addr, key ssh.PublicKey) error {
	if len(t.pins) == 0 {
		return t.checkKnown(remote, key)
	}
	for _, pin := range t.pins {
		if bytes.Equal(pin.Marshal(), key.Marshal()) {
			return nil
		}
	}
	return fault.New(fault.Refused, "the host key of %s (%s) is not the one in the plan: expected %s, found %s",
		t.host, t.address, fingerprints(t.pins), fingerprint(key)).
		WithHint("if the host was installed anew, check its key on its console, put it into hostKeys in the inventory and compile again")
}

func (t *trust) checkKnown(remote net.Addr, key ssh.PublicKey) error {
	err := t.known.check(t.address, remote, key)
	if err == nil {
		return nil
	}
	var revoked *knownhosts.RevokedError
	if errors.As(err, &revoked) {
		return fault.New(fault.Refused, "the host key of %s (%s) is revoked by %s:%d: %s",
			t.host, t.address, revoked.Revoked.Filename, revoked.Revoked.Line, fingerprint(key))
	}
	var keyErr *knownhosts.KeyError
	if !errors.As(err, &keyErr) {
		return fault.New(fault.Refused, "cannot trust the host key of %s (%s): %w", t.host, t.address, err)
	}
	if len(keyErr.Want) == 0 {
		return t.unknown(key)
	}
	return t.changed(key, keyErr.Want)
}

func (t *trust) unknown(key ssh.PublicKey) error {
	return fault.New(fault.Refused, "the host key of %s (%s) is unknown: expected it in %s or in the inventory, found %s",
		t.host, t.address, t.known.names(), fingerprint(key)).
		WithHint("compare the fingerprint with `ssh-keygen -lf` on the host's console; then echo '%s' >> %s",
			knownhosts.Line([]string{t.address}, key), t.known.first())
}

func (t *trust) changed(key ssh.PublicKey, want []knownhosts.KnownKey) error {
	var expected []string
	for _, w := range want {
		expected = append(expected, fmt.Sprintf("%s (%s:%d)", fingerprint(w.Key), w.Filename, w.Line))
	}
	return fault.New(fault.Refused, "the host key of %s (%s) has changed: expected %s, found %s",
		t.host, t.address, strings.Join(expected, " or "), fingerprint(key)).
		WithHint("somebody may be listening; if the host was installed anew, check its key on its console, then ssh-keygen -f %s -R '%s'",
			want[0].Filename, knownhosts.Normalize(t.address))
}

// algorithms returns the host key algorithms to offer, those first for which a
// key is known: a server shows only one of its keys, and it should be one that
// can be checked. The others follow, so that a host with other keys than the
// known ones is refused with its fingerprint and not for want of an algorithm.
func (t *trust) algorithms() []string {
	keys, authorities := t.pins, false
	if len(keys) == 0 {
		keys, authorities = t.known.keysOf(t.address)
	}
	var first []string
	if authorities {
		first = append(first, ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01,
			ssh.CertAlgoECDSA521v01, ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01)
	}
	for _, key := range keys {
		if key.Type() == ssh.KeyAlgoRSA {
			first = append(first, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		first = append(first, key.Type())
	}
	for _, name := range ssh.SupportedAlgorithms().HostKeys {
		if !strings.Contains(name, "-cert-") && !slices.Contains(first, name) {
			first = append(first, name)
		}
	}
	return first
}

// ownKey names a host's key; of one with a certificate, the key that this is for.
func ownKey(key ssh.PublicKey) string {
	if certificate, ok := key.(*ssh.Certificate); ok {
		key = certificate.Key
	}
	return fingerprint(key)
}

func fingerprint(key ssh.PublicKey) string { return key.Type() + " " + ssh.FingerprintSHA256(key) }

func fingerprints(keys []ssh.PublicKey) string {
	var all []string
	for _, key := range keys {
		all = append(all, fingerprint(key))
	}
	return strings.Join(all, " or ")
}

func parsePins(lines []string) ([]ssh.PublicKey, error) {
	var pins []ssh.PublicKey
	for _, line := range lines {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return nil, fault.New(fault.Refused, "cannot read the host key %q of the plan: %w", line, err)
		}
		pins = append(pins, key)
	}
	return pins, nil
}

// knownFiles are known_hosts files, read once.
type knownFiles struct {
	files []string
	load  func() (*knownKeys, error)

	mu    sync.Mutex
	asked map[string]known // by address
}

// known is what the files say of an address. Where their names are hashed, as Debian
// does it, to find that takes as long as a login when there are a thousand of them: each
// address is looked for once.
type known struct {
	keys        []ssh.PublicKey
	authorities bool
}

type knownKeys struct {
	callback ssh.HostKeyCallback
	// authority holds, as "file:line", which entries are certificate authorities.
	authority map[string]bool
	// revokes says that some key is revoked, which only the callback knows.
	revokes bool
}

func newKnownFiles(files []string) *knownFiles {
	return &knownFiles{files: files, asked: map[string]known{}, load: sync.OnceValues(func() (*knownKeys, error) { return readKnown(files) })}
}

func readKnown(files []string) (*knownKeys, error) {
	keys := &knownKeys{authority: map[string]bool{}}
	var present []string
	for _, name := range files {
		data, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) || name == "none" || name == "/dev/null" {
			continue
		}
		if err != nil {
			return nil, err
		}
		present = append(present, name)
		for i, line := range strings.Split(string(data), "\n") {
			switch line = strings.TrimSpace(line); {
			case strings.HasPrefix(line, "@cert-authority"):
				keys.authority[name+":"+strconv.Itoa(i+1)] = true
			case strings.HasPrefix(line, "@revoked"):
				keys.revokes = true
			}
		}
	}
	callback, err := knownhosts.New(present...)
	if err != nil {
		return nil, fmt.Errorf("%w; correct or remove that line", err)
	}
	keys.callback = callback
	return keys, nil
}

// check asks for the address with its port and, like ssh, for the bare address
// where the port is not 22 and nothing is known of it with the port.
func (k *knownFiles) check(address string, remote net.Addr, key ssh.PublicKey) error {
	keys, err := k.load()
	if err != nil {
		return err
	}
	found, _ := k.keysOf(address)
	if !keys.revokes && slices.ContainsFunc(found, func(known ssh.PublicKey) bool { return bytes.Equal(known.Marshal(), key.Marshal()) }) {
		return nil
	}
	err = keys.callback(address, remote, key)
	var keyErr *knownhosts.KeyError
	if !errors.As(err, &keyErr) || len(keyErr.Want) > 0 {
		return err
	}
	host, port, splitErr := net.SplitHostPort(address)
	if splitErr != nil || port == "22" {
		return err
	}
	if bare := keys.callback(net.JoinHostPort(host, "22"), remote, key); bare == nil {
		return nil
	}
	return err
}

// keysOf returns the known keys of an address, and whether a certificate
// authority may speak for it.
func (k *knownFiles) keysOf(address string) (keys []ssh.PublicKey, authorities bool) {
	k.mu.Lock()
	answer, asked := k.asked[address]
	k.mu.Unlock()
	if !asked {
		answer.keys, answer.authorities = k.find(address)
		k.mu.Lock()
		k.asked[address] = answer
		k.mu.Unlock()
	}
	return answer.keys, answer.authorities
}

func (k *knownFiles) find(address string) (found []ssh.PublicKey, authorities bool) {
	keys, err := k.load()
	if err != nil {
		return nil, false
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, false
	}
	for _, a := range []string{address, net.JoinHostPort(host, "22")} {
		var keyErr *knownhosts.KeyError
		if !errors.As(keys.callback(a, noAddr{}, noKey{}), &keyErr) || len(keyErr.Want) == 0 {
			continue
		}
		for _, want := range keyErr.Want {
			if keys.authority[want.Filename+":"+strconv.Itoa(want.Line)] {
				authorities = true
				continue
			}
			found = append(found, want.Key)
		}
		return found, authorities
	}
	return nil, false
}

func (k *knownFiles) names() string { return strings.Join(k.files, ", ") }

func (k *knownFiles) first() string {
	if len(k.files) == 0 {
		return "~/.ssh/known_hosts"
	}
	return k.files[0]
}

// noKey is no host's key: asking for it makes knownhosts tell which keys it has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("not a key") }

type noAddr struct{}

func (noAddr) Network() string { return "tcp" }
func (noAddr) String() string  { return "0.0.0.0:22" }
