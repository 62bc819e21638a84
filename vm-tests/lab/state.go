package lab

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/google/renameio/v2"
)

// state is what lab.json says, for other processes than the owner.
type state struct {
	ID      string      `json:"id"`
	Keep    bool        `json:"keep"`
	Owner   int         `json:"owner"`
	Started time.Time   `json:"started"`
	Holder  int         `json:"holder"`
	Ticks   string      `json:"holderStarted"`
	Hosts   []hostState `json:"hosts"`
}

type hostState struct {
	Index int      `json:"index"`
	Spec  HostSpec `json:"spec"`
	Key   string   `json:"hostKey"`
	Lower string   `json:"lower"`
}

// Info describes a lab that is up.
type Info struct {
	ID      string
	Dir     string
	Owner   int
	Keep    bool
	Started time.Time
	Hosts   []string
}

var labID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,30}$`)

// create makes the directory of a new lab and takes its owner's lock.
func create(c cache, log *logger, options Options) (*Lab, error) {
	id := options.ID
	if id == "" {
		random := make([]byte, 4)
		_, _ = rand.Read(random)
		id = hex.EncodeToString(random)
	}
	if !labID.MatchString(id) {
		return nil, fmt.Errorf("cannot make lab %q: a lab's name is lower case letters, digits and dashes", id)
	}
	lock, err := c.lock()
	if err != nil {
		return nil, fmt.Errorf("cannot make lab %q: %w", id, err)
	}
	defer func() { _ = lock.Close() }()
	dir := filepath.Join(c.labs(), id)
	if err := os.Mkdir(dir, 0o700); errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("cannot make lab %q: it is up already\nhint: end it with `lab down %s`", id, id)
	} else if err != nil {
		return nil, fmt.Errorf("cannot make lab %q: %w", id, err)
	}
	// If we crash here, a directory stays whose lock is free; sweep removes it.
	owner, err := tryLock(filepath.Join(dir, "owner.lock"))
	if err != nil {
		return nil, fmt.Errorf("cannot make lab %q: %w", id, err)
	}
	l := newLab(c, log, id)
	l.owner = owner
	l.state = state{ID: id, Owner: os.Getpid(), Started: time.Now().UTC()}
	return l, nil
}

func newLab(c cache, log *logger, id string) *Lab {
	dir := filepath.Join(c.labs(), id)
	home := filepath.Join(dir, "home")
	return &Lab{
		ID: id, Dir: dir, Home: home, cache: c, log: log,
		KeyFile:    filepath.Join(home, ".ssh", "id_ed25519"),
		KnownHosts: filepath.Join(home, ".ssh", "known_hosts"),
		SSHConfig:  filepath.Join(home, ".ssh", "config"),
	}
}

// saveState writes lab.json. Without it a lab counts as half made.
func (l *Lab) saveState() error {
	l.state.Hosts = nil
	for _, h := range l.hosts {
		l.state.Hosts = append(l.state.Hosts, hostState{Index: h.index, Spec: h.spec, Key: h.HostKey, Lower: h.lower})
	}
	l.state.Holder, l.state.Ticks = l.holder.pid, l.holder.started
	text, err := json.MarshalIndent(l.state, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write the lab's state: %w", err)
	}
	// If we crash here, the lab ends with us whether the file says so or not.
	if err := renameio.WriteFile(filepath.Join(l.Dir, "lab.json"), append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("cannot write the lab's state: %w", err)
	}
	return nil
}

func readState(dir string) (state, error) {
	var s state
	text, err := os.ReadFile(filepath.Join(dir, "lab.json"))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

// Open returns a lab that another process started, for using it and for closing it.
func Open(cacheDir, id string, log io.Writer) (*Lab, error) {
	c, err := openCache(cacheDir)
	if err != nil {
		return nil, err
	}
	if !labID.MatchString(id) {
		return nil, fmt.Errorf("cannot open lab %q: a lab's name is lower case letters, digits and dashes", id)
	}
	l := newLab(c, newLogger(log), id)
	if l.state, err = readState(l.Dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("cannot open lab %q: no such lab is up\nhint: `lab list` says which are", id)
		}
		return nil, fmt.Errorf("cannot open lab %q: %w", id, err)
	}
	l.holder = &holder{pid: l.state.Holder, started: l.state.Ticks}
	if !l.holder.alive() {
		return nil, fmt.Errorf("cannot open lab %q: its processes are gone\nhint: `lab down %s` removes what it left", id, id)
	}
	for _, s := range l.state.Hosts {
		l.hosts = append(l.hosts, openHost(l, s))
	}
	return l, nil
}

// List returns the labs of a cache directory that are up, after removing what dead ones left.
func List(cacheDir string, log io.Writer) ([]Info, error) {
	c, err := openCache(cacheDir)
	if err != nil {
		return nil, err
	}
	sweep(c, newLogger(log))
	entries, err := os.ReadDir(c.labs())
	if err != nil {
		return nil, fmt.Errorf("cannot list labs: %w", err)
	}
	var infos []Info
	for _, entry := range entries {
		dir := filepath.Join(c.labs(), entry.Name())
		s, err := readState(dir)
		if err != nil {
			continue // It is being made, or being removed.
		}
		info := Info{ID: s.ID, Dir: dir, Owner: s.Owner, Keep: s.Keep, Started: s.Started}
		for _, h := range s.Hosts {
			info.Hosts = append(info.Hosts, h.Spec.Name)
		}
		infos = append(infos, info)
	}
	return infos, nil
}
