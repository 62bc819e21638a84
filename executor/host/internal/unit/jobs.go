package unit

import (
	"context"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/nixfleet/nixfleet/schema"
)

// methods are the manager's methods for each verb. A reload of a unit that
// cannot reload restarts it, and one that does not run stays as it is.
var methods = map[Verb]string{
	Start:   "StartUnit",
	Reload:  "ReloadOrTryRestartUnit",
	Restart: "RestartUnit",
	Stop:    "StopUnit",

	TryRestart: "TryRestartUnit",
}

// Run implements [Manager].
func (s *Systemd) Run(ctx context.Context, jobs []Job) (map[schema.UnitName]string, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	var results map[schema.UnitName]string
	name := fmt.Sprintf("jobs %s %s", jobs[0].Verb, jobs[0].Unit)
	// If we crash here, systemd goes on with the jobs, and recovery finds what it made
	// of them.
	err := s.Fault.Do(name, func() (err error) {
		results, err = s.run(ctx, jobs)
		return err
	})
	return results, err
}

// Enqueue implements [Manager].
func (s *Systemd) Enqueue(ctx context.Context, jobs []Job) (map[schema.UnitName]string, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	conn, err := s.connect()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	refused := map[schema.UnitName]string{}
	// If we crash here, some jobs are queued, and the next recovery asks for all again.
	err = s.Fault.Do(fmt.Sprintf("enqueue %s %s", jobs[0].Verb, jobs[0].Unit), func() error {
		for i, call := range s.enqueue(ctx, conn, jobs) {
			var path dbus.ObjectPath
			if err := (<-call.Done).Store(&path); err != nil {
				refused[jobs[i].Unit] = reason(err)
			}
		}
		return ctx.Err()
	})
	return refused, err
}

func (s *Systemd) run(ctx context.Context, jobs []Job) (map[schema.UnitName]string, error) {
	conn, err := s.connect()
	if err != nil {
		return nil, err
	}
	// Listening begins before the first job, or its end could be missed.
	signals := make(chan *dbus.Signal, 4096)
	conn.Signal(signals)
	defer conn.RemoveSignal(signals)

	results := make(map[schema.UnitName]string, len(jobs))
	waiting := map[dbus.ObjectPath]schema.UnitName{}
	for i, call := range s.enqueue(ctx, conn, jobs) {
		var path dbus.ObjectPath
		if err := (<-call.Done).Store(&path); err != nil {
			results[jobs[i].Unit] = reason(err)
			continue
		}
		waiting[path] = jobs[i].Unit
		results[jobs[i].Unit] = "waiting"
	}
	return results, collect(ctx, signals, waiting, results)
}

// enqueue sends all requests before it waits for any: systemd then knows all
// jobs when it orders them.
func (s *Systemd) enqueue(ctx context.Context, conn *dbus.Conn, jobs []Job) []*dbus.Call {
	object := conn.Object(destination, "/org/freedesktop/systemd1")
	calls := make([]*dbus.Call, len(jobs))
	for i, job := range jobs {
		calls[i] = object.GoWithContext(ctx, manager+methods[job.Verb], 0, make(chan *dbus.Call, 1), string(job.Unit), "replace")
	}
	return calls
}

// collect waits until every job has ended or ctx is done.
func collect(ctx context.Context, signals <-chan *dbus.Signal, waiting map[dbus.ObjectPath]schema.UnitName, results map[schema.UnitName]string) error {
	for len(waiting) > 0 {
		select {
		case <-ctx.Done():
			return nil
		case signal, ok := <-signals:
			if !ok {
				return errors.New("cannot learn the results of jobs: systemd closed the connection")
			}
			if signal.Name != manager+"JobRemoved" || len(signal.Body) < 4 {
				continue
			}
			path, _ := signal.Body[1].(dbus.ObjectPath)
			if unit, ours := waiting[path]; ours {
				results[unit], _ = signal.Body[3].(string)
				delete(waiting, path)
			}
		}
	}
	return nil
}

// reason is what systemd says of a job it does not take, as "Unit x is masked."
func reason(err error) string {
	var failure dbus.Error
	if errors.As(err, &failure) && len(failure.Body) > 0 {
		if text, ok := failure.Body[0].(string); ok {
			return text
		}
	}
	return err.Error()
}
