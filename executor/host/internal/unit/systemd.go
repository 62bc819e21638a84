package unit

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/nixfleet/nixfleet/executor/host/internal/command"
	"github.com/nixfleet/nixfleet/executor/host/internal/effect"
	"github.com/nixfleet/nixfleet/schema"
)

const (
	// Socket is where systemd listens for root.
	Socket      = "/run/systemd/private"
	destination = "org.freedesktop.systemd1"
	manager     = destination + ".Manager."
	propertyGet = "org.freedesktop.DBus.Properties."
)

// Systemd is the [Manager] of a host. It connects at the first call.
type Systemd struct {
	Address string // the socket's path
	Runner  command.Runner
	Fault   effect.Fault
	conn    *dbus.Conn
}

// Close ends the connection.
func (s *Systemd) Close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}

// connect dials once. The manager's own socket is no bus: there is no Hello, no
// name to own, and signals arrive unasked.
func (s *Systemd) connect() (*dbus.Conn, error) {
	if s.conn != nil {
		return s.conn, nil
	}
	conn, err := dial(s.Address)
	if err != nil {
		return nil, fmt.Errorf("cannot reach systemd at %s: %w", s.Address, err)
	}
	s.conn = conn
	return conn, nil
}

// patience is how long systemd may take to answer. Reloading takes it longest.
const patience = 90 * time.Second

func (s *Systemd) call(ctx context.Context, path dbus.ObjectPath, method string, args ...any) (*dbus.Call, error) {
	conn, err := s.connect()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	call := conn.Object(destination, path).CallWithContext(ctx, method, 0, args...)
	if call.Err != nil {
		return nil, fmt.Errorf("cannot ask systemd (%s): %w", method[strings.LastIndexByte(method, '.')+1:], call.Err)
	}
	return call, nil
}

func (s *Systemd) ask(ctx context.Context, method string, args ...any) (*dbus.Call, error) {
	return s.call(ctx, "/org/freedesktop/systemd1", manager+method, args...)
}

// listed is systemd's (ssssssouso).
type listed struct {
	Name, Description, Load, Active, Sub, Followed string
	Path                                           dbus.ObjectPath
	JobID                                          uint32
	JobType                                        string
	JobPath                                        dbus.ObjectPath
}

// List implements [Manager] with one call.
func (s *Systemd) List(ctx context.Context, names []schema.UnitName) (map[schema.UnitName]Status, error) {
	if len(names) == 0 {
		return nil, nil
	}
	units, err := s.list(ctx, "ListUnitsByNames", texts(names))
	if err != nil {
		return nil, err
	}
	if len(units) != len(names) {
		return nil, fmt.Errorf("cannot understand systemd: asked for %d units, it told of %d", len(names), len(units))
	}
	found := make(map[schema.UnitName]Status, len(units))
	for i, u := range units {
		// By position: an alias is listed under the name of what it stands for.
		found[names[i]] = Status{u.Load, u.Active, u.Sub}
	}
	return found, nil
}

// Instances implements [Manager].
func (s *Systemd) Instances(ctx context.Context, template schema.UnitName) ([]schema.UnitName, error) {
	pattern := strings.Replace(string(template), "@.", "@*.", 1)
	units, err := s.list(ctx, "ListUnitsByPatterns", []string{}, []string{pattern})
	if err != nil {
		return nil, err
	}
	var names []schema.UnitName
	for _, u := range units {
		if u.Active != "inactive" {
			names = append(names, schema.UnitName(u.Name))
		}
	}
	return names, nil
}

// Failed implements [Manager].
func (s *Systemd) Failed(ctx context.Context) ([]schema.UnitName, error) {
	units, err := s.list(ctx, "ListUnitsFiltered", []string{"failed"})
	if err != nil {
		return nil, err
	}
	var names []schema.UnitName
	for _, u := range units {
		names = append(names, schema.UnitName(u.Name))
	}
	slices.Sort(names)
	return names, nil
}

// list calls a method that returns a list of units.
func (s *Systemd) list(ctx context.Context, method string, args ...any) ([]listed, error) {
	call, err := s.ask(ctx, method, args...)
	if err != nil {
		return nil, err
	}
	var units []listed
	if err := call.Store(&units); err != nil {
		return nil, fmt.Errorf("cannot understand systemd: %w", err)
	}
	return units, nil
}

// Unread implements [Manager]. All questions are asked at once.
func (s *Systemd) Unread(ctx context.Context, names []schema.UnitName) (unread []schema.UnitName, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	conn, err := s.connect()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	calls := make([]*dbus.Call, len(names))
	for i, name := range names {
		calls[i] = conn.Object(destination, unitObject(name)).GoWithContext(ctx, propertyGet+"Get", 0, make(chan *dbus.Call, 1), destination+".Unit", "NeedDaemonReload")
	}
	for i, call := range calls {
		var needs dbus.Variant
		if err := (<-call.Done).Store(&needs); err != nil {
			return nil, fmt.Errorf("cannot ask systemd about %s: %w", names[i], err)
		}
		if yes, _ := needs.Value().(bool); yes {
			unread = append(unread, names[i])
		}
	}
	return unread, nil
}

// unitObject returns a unit's object path: what is no letter or digit is escaped,
// and so is a digit in front.
func unitObject(name schema.UnitName) dbus.ObjectPath {
	var path strings.Builder
	path.WriteString("/org/freedesktop/systemd1/unit/")
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if digit := c >= '0' && c <= '9'; letter || digit && i > 0 {
			path.WriteByte(c)
		} else {
			fmt.Fprintf(&path, "_%02x", c)
		}
	}
	return dbus.ObjectPath(path.String())
}

// Details implements [Manager].
func (s *Systemd) Details(ctx context.Context, name schema.UnitName) (Details, error) {
	call, err := s.ask(ctx, "LoadUnit", string(name))
	if err != nil {
		return Details{}, err
	}
	var path dbus.ObjectPath
	if err := call.Store(&path); err != nil {
		return Details{}, fmt.Errorf("cannot understand systemd: %w", err)
	}
	// The empty interface stands for all of the unit's.
	call, err = s.call(ctx, path, propertyGet+"GetAll", "")
	if err != nil {
		return Details{}, err
	}
	var p properties
	if err := call.Store((*map[string]dbus.Variant)(&p)); err != nil {
		return Details{}, fmt.Errorf("cannot understand systemd: %w", err)
	}
	return p.details(), nil
}

type properties map[string]dbus.Variant

func property[T any](p properties, name string) (value T) {
	value, _ = p[name].Value().(T)
	return value
}

func (p properties) details() Details {
	return Details{
		Type:            property[string](p, "Type"),
		RemainAfterExit: property[bool](p, "RemainAfterExit"),
		Enablement:      property[string](p, "UnitFileState"),
		Skipped:         property[uint64](p, "ConditionTimestamp") > 0 && !property[bool](p, "ConditionResult"),
		Result:          property[string](p, "Result"),
		ExitCode:        property[int32](p, "ExecMainCode"),
		ExitStatus:      property[int32](p, "ExecMainStatus"),
		Restarts:        property[uint32](p, "NRestarts"),
		Triggers:        names(property[[]string](p, "Triggers")),
		Invocation:      hex.EncodeToString(property[[]byte](p, "InvocationID")),
	}
}

// DaemonReload implements [Manager].
func (s *Systemd) DaemonReload(ctx context.Context) error {
	// If we crash here, systemd has read the units or not; recovery makes it read them again.
	return s.Fault.Do("daemon-reload", func() error {
		_, err := s.ask(ctx, "Reload")
		return err
	})
}

// ResetFailed implements [Manager].
func (s *Systemd) ResetFailed(ctx context.Context, name schema.UnitName) error {
	// If we crash here, the unit counts as failed or not; nothing else is changed.
	return s.Fault.Do("reset-failed "+string(name), func() error {
		_, err := s.ask(ctx, "ResetFailedUnit", string(name))
		var failure dbus.Error
		if errors.As(err, &failure) && failure.Name == destination+".NoSuchUnit" {
			return nil
		}
		return err
	})
}

// Journal implements [Manager]. Both what the unit wrote and what systemd wrote
// about it belong to its invocation.
func (s *Systemd) Journal(ctx context.Context, name schema.UnitName, invocation string, lines int) ([]string, error) {
	// What a program wrote last reaches the journal by another way than what systemd
	// says of its end, and often a moment later.
	select {
	case <-ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
	args := []string{"--quiet", "--no-pager", "--output=cat", "--lines=" + strconv.Itoa(lines)}
	if strings.Trim(invocation, "0") != "" {
		args = append(args, "_SYSTEMD_INVOCATION_ID="+invocation, "+", "INVOCATION_ID="+invocation)
	} else {
		args = append(args, "--boot", "UNIT="+string(name))
	}
	out, err := s.Runner.Run(ctx, "journalctl", args...)
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(out), "\n")
	if text == "" {
		return nil, nil
	}
	return strings.Split(text, "\n"), nil
}

func names(texts []string) []schema.UnitName {
	list := make([]schema.UnitName, len(texts))
	for i, text := range texts {
		list[i] = schema.UnitName(text)
	}
	return list
}

func texts(names []schema.UnitName) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = string(name)
	}
	return list
}
