package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// identities are the keys for one kind of login, found once and used for every
// host that has the same settings.
type identities struct {
	signers []ssh.Signer
	// tried names, for an error message, where keys came from.
	tried []string
	// problems are keys that could not be used, for an error message.
	problems []string
	// last is the key that opened a host last; the next host is offered it first.
	mu   sync.Mutex
	last ssh.Signer
}

// keyring finds identities and keeps the agent's connection and the keys that
// were unlocked.
type keyring struct {
	env    Env
	mu     sync.Mutex
	sets   map[string]*identities
	keys   map[string]keyFile
	agents map[string]agentKeys
	conns  []net.Conn
}

type keyFile struct {
	signer ssh.Signer
	err    error
}

type agentKeys struct {
	signers []ssh.Signer
	err     error
}

func newKeyring(env Env) *keyring {
	return &keyring{env: env, sets: map[string]*identities{}, keys: map[string]keyFile{}, agents: map[string]agentKeys{}}
}

func (k *keyring) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, conn := range k.conns {
		conn.Close()
	}
	k.conns = nil
}

// defaultKeys are the names that ssh tries too.
var defaultKeys = []string{"id_ed25519", "id_ecdsa", "id_rsa", "id_ecdsa_sk", "id_ed25519_sk"}

// identitiesFor returns the keys for a login: the agent's, then those of files.
func (k *keyring) identitiesFor(s settings, host, user string, port int) *identities {
	var files []string
	for _, name := range s.identityFiles {
		if name != "none" {
			files = append(files, k.env.expand(name, host, user, port))
		}
	}
	explicit := len(s.identityFiles) > 0
	if !explicit {
		for _, name := range defaultKeys {
			files = append(files, filepath.Join(k.env.Home, ".ssh", name))
		}
	}
	var certs []string
	for _, name := range s.certFiles {
		certs = append(certs, k.env.expand(name, host, user, port))
	}
	socket := k.agentSocket(s, host, user, port)

	k.mu.Lock()
	defer k.mu.Unlock()
	id := fmt.Sprintf("%q %q %q %v", socket, files, certs, s.identitiesOnly)
	if set, ok := k.sets[id]; ok {
		return set
	}
	set := &identities{}
	k.addAgent(set, socket, files, s.identitiesOnly)
	for _, name := range files {
		k.addFile(set, name, explicit)
	}
	for _, name := range certs {
		addCertificate(set, name)
	}
	k.sets[id] = set
	return set
}

func (k *keyring) agentSocket(s settings, host, user string, port int) string {
	switch s.agent {
	case "":
		return k.env.Getenv("SSH_AUTH_SOCK")
	case "none":
		return ""
	case "SSH_AUTH_SOCK":
		return k.env.Getenv("SSH_AUTH_SOCK")
	}
	if name, ok := strings.CutPrefix(s.agent, "$"); ok && !strings.HasPrefix(name, "{") {
		return k.env.Getenv(name)
	}
	return k.env.expand(s.agent, host, user, port)
}

// addAgent adds the agent's keys; with only, just those that a file names.
func (k *keyring) addAgent(set *identities, socket string, files []string, only bool) {
	if socket == "" {
		return
	}
	keys := k.agentKeys(socket)
	if keys.err != nil {
		set.problems = append(set.problems, fmt.Sprintf("the agent at %s: %v", socket, keys.err))
		return
	}
	set.tried = append(set.tried, fmt.Sprintf("the agent (%d keys)", len(keys.signers)))
	if !only {
		set.signers = append(set.signers, keys.signers...)
		return
	}
	for _, name := range files {
		public := publicOf(name)
		for _, signer := range keys.signers {
			if public != nil && bytes.Equal(plainKey(signer.PublicKey()).Marshal(), public.Marshal()) {
				set.signers = append(set.signers, signer)
			}
		}
	}
}

func (k *keyring) agentKeys(socket string) agentKeys {
	if keys, ok := k.agents[socket]; ok {
		return keys
	}
	keys := agentKeys{}
	conn, err := net.Dial("unix", socket)
	if err == nil {
		k.conns = append(k.conns, conn)
		keys.signers, err = agent.NewClient(conn).Signers()
	}
	keys.err = err
	k.agents[socket] = keys
	return keys
}

// addFile adds the key of a file, and its certificate where one is beside it.
func (k *keyring) addFile(set *identities, name string, explicit bool) {
	key, ok := k.keys[name]
	if !ok {
		key.signer, key.err = k.load(name)
		k.keys[name] = key
	}
	if errors.Is(key.err, fs.ErrNotExist) && !explicit {
		return
	}
	set.tried = append(set.tried, name)
	if key.err != nil {
		set.problems = append(set.problems, fmt.Sprintf("%s: %v", name, key.err))
		return
	}
	if !set.has(key.signer.PublicKey()) { // otherwise the agent has it, unlocked
		set.signers = append(set.signers, key.signer)
	}
	addCertificate(set, name+"-cert.pub")
}

func (s *identities) has(key ssh.PublicKey) bool {
	return slices.ContainsFunc(s.signers, func(signer ssh.Signer) bool {
		return bytes.Equal(signer.PublicKey().Marshal(), key.Marshal())
	})
}

// addCertificate adds a signer for the certificate in a file, where its key is
// among the set's.
func addCertificate(set *identities, name string) {
	cert, ok := publicOf(strings.TrimSuffix(name, ".pub")).(*ssh.Certificate)
	if !ok {
		return
	}
	for _, signer := range set.signers {
		if !bytes.Equal(signer.PublicKey().Marshal(), cert.Key.Marshal()) {
			continue
		}
		if certified, err := ssh.NewCertSigner(cert, signer); err == nil {
			set.signers = slices.Insert(set.signers, 0, certified)
		}
		return
	}
}

// publicOf reads the public key in the file beside a private key; nil where there is none.
func publicOf(name string) ssh.PublicKey {
	data, err := os.ReadFile(name + ".pub")
	if err != nil {
		return nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(data)
	if err != nil {
		return nil
	}
	return key
}

func plainKey(key ssh.PublicKey) ssh.PublicKey {
	if cert, ok := key.(*ssh.Certificate); ok {
		return cert.Key
	}
	return key
}

func (k *keyring) load(name string) (ssh.Signer, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(data)
	var locked *ssh.PassphraseMissingError
	if !errors.As(err, &locked) {
		return signer, err
	}
	public := locked.PublicKey
	if public == nil {
		public = publicOf(name) // old formats do not tell; the file beside it does
	}
	lazy := &lockedKey{name: name, data: data, public: public, ask: k.env.Passphrase}
	if public != nil {
		return lazy, nil // the passphrase is asked for only where a host accepts the key
	}
	return lazy.unlock()
}

// lockedKey is an encrypted key, unlocked when a host wants its signature.
type lockedKey struct {
	name   string
	data   []byte
	public ssh.PublicKey
	ask    func(file string) ([]byte, error)

	mu     sync.Mutex // one question at a time, and each only once
	signer ssh.Signer
	err    error
}

func (l *lockedKey) PublicKey() ssh.PublicKey { return l.public }

func (l *lockedKey) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	signer, err := l.unlock()
	if err != nil {
		return nil, err
	}
	return signer.Sign(rand, data)
}

// SignWithAlgorithm lets RSA keys sign with SHA-2.
func (l *lockedKey) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	signer, err := l.unlock()
	if err != nil {
		return nil, err
	}
	if as, ok := signer.(ssh.AlgorithmSigner); ok {
		return as.SignWithAlgorithm(rand, data, algorithm)
	}
	return signer.Sign(rand, data)
}

func (l *lockedKey) unlock() (ssh.Signer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.signer != nil || l.err != nil {
		return l.signer, l.err
	}
	l.signer, l.err = l.decrypt()
	return l.signer, l.err
}

func (l *lockedKey) decrypt() (ssh.Signer, error) {
	if l.ask == nil {
		return nil, fault.New(fault.Refused, "the key %s is encrypted, and there is no terminal to ask for its passphrase", l.name).
			WithHint("ssh-add %s", l.name)
	}
	passphrase, err := l.ask(l.name)
	if err != nil {
		return nil, fault.New(fault.Refused, "cannot ask for the passphrase of %s: %w", l.name, err).WithHint("ssh-add %s", l.name)
	}
	signer, err := ssh.ParsePrivateKeyWithPassphrase(l.data, passphrase)
	if err != nil {
		return nil, fault.New(fault.Refused, "cannot unlock the key %s: %w", l.name, err)
	}
	return signer, nil
}

// attempt is one login: it notes which key was used last, and what went wrong
// with one that the host would have accepted.
type attempt struct {
	*identities
	used ssh.Signer
	err  error
}

func (s *identities) attempt() *attempt { return &attempt{identities: s} }

// method offers the keys, the one that opened the last host first: hosts of a
// fleet mostly take the same, and every key offered in vain costs a round trip
// and counts against the server's MaxAuthTries.
func (a *attempt) method() ssh.AuthMethod {
	return ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		var signers []ssh.Signer
		for _, signer := range a.signers {
			noted := &notedSigner{Signer: signer, attempt: a}
			if signer == a.last {
				signers = slices.Insert(signers, 0, ssh.Signer(noted))
				continue
			}
			signers = append(signers, noted)
		}
		return signers, nil
	})
}

// succeeded remembers the key that opened a host.
func (a *attempt) succeeded() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = a.used
}

// notedSigner tells its attempt when it is used, which is only after the host
// has said that it accepts the key.
type notedSigner struct {
	ssh.Signer
	attempt *attempt
}

func (n *notedSigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (sig *ssh.Signature, err error) {
	n.attempt.used = n.Signer
	if as, ok := n.Signer.(ssh.AlgorithmSigner); ok {
		sig, err = as.SignWithAlgorithm(rand, data, algorithm)
	} else {
		sig, err = n.Sign(rand, data)
	}
	if err != nil {
		n.attempt.err = err
	}
	return sig, err
}

// refused describes a login that no key opened.
func (a *attempt) refused(r *route) error {
	var f *fault.Error
	if errors.As(a.err, &f) {
		return f
	}
	message := fmt.Sprintf("%s (%s) does not let %q log in", r.Name, r.address, r.User)
	if a.err != nil {
		return fault.New(fault.Refused, "%s: the key it accepts cannot sign: %w", message, a.err)
	}
	switch tried := strings.Join(a.tried, ", "); {
	case tried == "":
		message += ": there is no key to offer"
	case len(a.signers) == 1:
		message += ": it does not accept the key from " + tried
	default:
		message += fmt.Sprintf(": it accepts none of the %d keys from %s", len(a.signers), tried)
	}
	for _, problem := range a.problems {
		message += "; " + problem
	}
	return fault.New(fault.Refused, "%s", message).
		WithHint("try ssh -v -p %d %s@%s true; put the public key into the account's authorized_keys, or name the key with IdentityFile in ~/.ssh/config", r.Port, r.User, r.Address)
}
