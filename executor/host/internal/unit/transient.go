package unit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/nixfleet/nixfleet/schema"
)

// Transient is a service that exists while it runs and is no file.
type Transient struct {
	Name        schema.UnitName
	Description string
	// Command is the program and its arguments.
	Command []string
	// OnFailure is started when the service ends badly, however that comes about.
	OnFailure schema.UnitName
	// StopPatience is how long it may take to end when it is told to.
	StopPatience time.Duration
}

// transientProperty is systemd's (sv).
type transientProperty struct {
	Name  string
	Value dbus.Variant
}

// execCommand is systemd's (sasb).
type execCommand struct {
	Path         string
	Args         []string
	IgnoreResult bool
}

// properties of a service that nothing ends but itself, its failure or the host's
// shutdown: no unit that others may stop is needed by it, and no target that
// somebody isolates leaves it out.
func (t Transient) properties() []transientProperty {
	property := func(name string, value any) transientProperty {
		return transientProperty{name, dbus.MakeVariant(value)}
	}
	return []transientProperty{
		property("Description", t.Description),
		property("Type", "exec"),
		property("ExecStart", []execCommand{{t.Command[0], t.Command, false}}),
		property("DefaultDependencies", false),
		property("Conflicts", []string{"shutdown.target"}),
		property("Before", []string{"shutdown.target"}),
		property("IgnoreOnIsolate", true),
		property("OnFailure", []string{string(t.OnFailure)}),
		property("KillMode", "mixed"),
		property("TimeoutStopUSec", uint64(t.StopPatience.Microseconds())),
		property("CollectMode", "inactive-or-failed"),
		property("UMask", uint32(0o022)),
	}
}

// StartTransient starts a service and returns when its program was executed.
//
// If we crash here, the service runs or not, and is found by its name.
func (s *Systemd) StartTransient(ctx context.Context, t Transient) error {
	return s.Fault.Do("start "+string(t.Name), func() error {
		if err := s.startTransient(ctx, t.Name, t.properties()); err != nil {
			return fmt.Errorf("cannot start %s: %w", t.Name, err)
		}
		return nil
	})
}

func (s *Systemd) startTransient(ctx context.Context, name schema.UnitName, properties []transientProperty) error {
	conn, err := s.connect()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	signals := make(chan *dbus.Signal, 4096)
	conn.Signal(signals)
	defer conn.RemoveSignal(signals)
	none := []struct {
		Name       string
		Properties []transientProperty
	}{}
	call, err := s.ask(ctx, "StartTransientUnit", string(name), "fail", properties, none)
	if err != nil {
		return errors.New(reason(err))
	}
	var job dbus.ObjectPath
	if err := call.Store(&job); err != nil {
		return fmt.Errorf("cannot understand systemd: %w", err)
	}
	results := map[schema.UnitName]string{name: "waiting"}
	if err := collect(ctx, signals, map[dbus.ObjectPath]schema.UnitName{job: name}, results); err != nil {
		return err
	}
	if result := results[name]; result != "done" {
		return fmt.Errorf("its start ended with %q", result)
	}
	return nil
}
