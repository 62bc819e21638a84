package transport

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kevinburke/ssh_config"
	"github.com/nixfleet/nixfleet/executor/internal/fault"
)

// config is what ssh_config(5) says: the user's file, then the system's.
type config struct {
	files []*ssh_config.Config
	env   Env
}

func loadConfig(env Env) (*config, error) {
	c := &config{env: env}
	for _, name := range env.ConfigFiles {
		data, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fault.New(fault.Refused, "cannot read the SSH configuration: %w", err)
		}
		parsed, err := ssh_config.DecodeBytes(data)
		if err != nil {
			return nil, fault.New(fault.Refused, "cannot read the SSH configuration %s: %w", name, err).
				WithHint("NixFleet reads Host blocks and Match host, originalhost and all; move anything else into a file that only ssh reads")
		}
		c.files = append(c.files, parsed)
	}
	return c, nil
}

// settings is what the configuration says of one host.
type settings struct {
	hostName       string
	user           string
	port           int
	identityFiles  []string
	certFiles      []string
	identitiesOnly bool
	agent          string
	knownHosts     []string
	hostKeyAlias   string
	proxyJump      string
	connectTimeout time.Duration
	aliveInterval  time.Duration
	aliveCount     int
}

// Defaults where neither plan nor configuration says anything.
const (
	defaultConnectTimeout = 10 * time.Second
	defaultAliveInterval  = 15 * time.Second
	defaultAliveCount     = 3
)

// lookup finds the first value of a key for any of the names, in their order.
// The plan's name for a host is asked first: that is what people write after
// "Host"; then its address.
func (c *config) lookup(key string, names []string) (string, error) {
	for _, name := range names {
		for _, file := range c.files {
			value, err := file.Get(name, key)
			if err != nil {
				return "", err
			}
			if value != "" {
				return unquote(value), nil
			}
		}
	}
	return "", nil
}

func (c *config) lookupAll(key string, names []string) ([]string, error) {
	var all []string
	seen := map[string]bool{}
	for _, name := range names {
		for _, file := range c.files {
			values, err := file.GetAll(name, key)
			if err != nil {
				return nil, err
			}
			for _, v := range values {
				if v = unquote(v); !seen[v] {
					seen[v] = true
					all = append(all, v)
				}
			}
		}
	}
	return all, nil
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// reader collects the first error of many lookups.
type reader struct {
	*config
	names []string
	err   error
}

func (r *reader) text(key string) string {
	value, err := r.lookup(key, r.names)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s: %w", key, err)
	}
	return value
}

func (r *reader) list(key string) []string {
	values, err := r.lookupAll(key, r.names)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s: %w", key, err)
	}
	return values
}

func (r *reader) number(key string, def int) int {
	value := r.text(key)
	if value == "" || value == "none" {
		return def
	}
	n, err := strconv.Atoi(value)
	if (err != nil || n < 0) && r.err == nil {
		r.err = fmt.Errorf("%s: expected a number, found %q", key, value)
	}
	return n
}

func (r *reader) seconds(key string, def time.Duration) time.Duration {
	value := r.text(key)
	if value == "" || value == "none" {
		return def
	}
	if n, err := strconv.Atoi(value); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	d, err := time.ParseDuration(value) // "1m30s", as in sshd_config(5)
	if (err != nil || d < 0) && r.err == nil {
		r.err = fmt.Errorf("%s: expected seconds, found %q", key, value)
	}
	return d
}

// settingsFor reads the configuration of a host known under several names.
func (c *config) settingsFor(names ...string) (settings, error) {
	r := &reader{config: c, names: names}
	s := settings{
		hostName:       r.text("HostName"),
		user:           r.text("User"),
		port:           r.number("Port", 0),
		identityFiles:  r.list("IdentityFile"),
		certFiles:      r.list("CertificateFile"),
		identitiesOnly: strings.EqualFold(r.text("IdentitiesOnly"), "yes"),
		agent:          r.text("IdentityAgent"),
		knownHosts:     strings.Fields(r.text("UserKnownHostsFile")),
		hostKeyAlias:   r.text("HostKeyAlias"),
		proxyJump:      r.text("ProxyJump"),
		connectTimeout: r.seconds("ConnectTimeout", defaultConnectTimeout),
		aliveInterval:  r.seconds("ServerAliveInterval", defaultAliveInterval),
		aliveCount:     r.number("ServerAliveCountMax", defaultAliveCount),
	}
	s.knownHosts = append(s.knownHosts, c.env.knownHosts(len(s.knownHosts) == 0, strings.Fields(r.text("GlobalKnownHostsFile")))...)
	if s.aliveInterval == 0 { // ssh's "off" would let a dead link hang a run
		s.aliveInterval = defaultAliveInterval
	}
	if command := r.text("ProxyCommand"); r.err == nil && command != "" && command != "none" && s.proxyJump == "" {
		return s, fault.New(fault.Refused, "the SSH configuration of %s has ProxyCommand %q, which NixFleet does not run", names[0], command).
			WithHint("use ProxyJump in ~/.ssh/config, or proxyJump in the inventory")
	}
	if r.err != nil {
		return s, fault.New(fault.Refused, "cannot use the SSH configuration of %s: %w", names[0], r.err)
	}
	return s, nil
}

// knownHosts returns the default files: the user's only where the configuration
// names none.
func (e Env) knownHosts(user bool, global []string) []string {
	var files []string
	if user {
		files = append(files, filepath.Join(e.Home, ".ssh/known_hosts"), filepath.Join(e.Home, ".ssh/known_hosts2"))
	}
	if len(global) > 0 {
		return append(files, global...)
	}
	return append(files, e.GlobalKnownHosts...)
}

// expand replaces "~", "${NAME}" and the tokens of ssh_config(5) in a file name.
func (e Env) expand(name string, host, remoteUser string, port int) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		name = filepath.Join(e.Home, rest)
	}
	if strings.Contains(name, "${") {
		name = os.Expand(name, func(key string) string { return e.Getenv(key) })
	}
	if !strings.Contains(name, "%") {
		return name
	}
	return strings.NewReplacer("%%", "%", "%d", e.Home, "%h", host, "%n", host, "%k", host,
		"%u", e.User, "%r", remoteUser, "%p", strconv.Itoa(port)).Replace(name)
}
