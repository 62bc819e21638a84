package executor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
)

// What runs tell follows the published schema, line by line, begins with the format's
// version and ends with the verdict. Together they tell of all that there is to tell.
func TestEventsFollowTheirSchema(t *testing.T) {
	compiled, err := jsonschema.CompileString("event.schema.json", validate.EventSchema)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[schema.EventKind]bool{}
	check := func(name string, f *fleet, record *schema.Record) {
		first, last := f.events[0], f.events[len(f.events)-1]
		if first.Kind != schema.RunStarted || first.Version != schema.EventVersion || first.Hosts != len(record.Hosts) || first.Digest != record.Digest {
			t.Errorf("%s begins with %+v", name, first)
		}
		if last.Kind != schema.RunFinished || last.Verdict != record.Verdict {
			t.Errorf("%s ends with %+v", name, last)
		}
		for _, event := range f.events {
			kinds[event.Kind] = true
			if event.Run != record.Run || event.Time.IsZero() {
				t.Errorf("%s: whose is this, and of when? %+v", name, event)
			}
			line := marshal(t, event)
			var value any
			decoder := json.NewDecoder(bytes.NewReader(line))
			decoder.UseNumber()
			if err := decoder.Decode(&value); err != nil {
				t.Fatal(err)
			}
			if err := compiled.Validate(value); err != nil {
				t.Errorf("%s: %s\n%#v", name, line, err)
			}
			var back schema.Event
			if err := json.Unmarshal(line, &back); err != nil || string(marshal(t, back)) != string(line) {
				t.Errorf("%s: it cannot be read again: %v\n%s", name, err, line)
			}
		}
	}

	f := gated(t, 0, func(int, []string) error { return nil })
	check("a rollout with a gate", f, f.execute())
	f.options.DryRun = true
	check("a dry run", f, f.execute())
	f = newFleet(t, 2)
	f.hosts["web-1"].Set(func(s *simhost.State) {
		s.OnApply = func(change *simhost.Transaction) error {
			change.Send(protocol.Event{Note: "a line"})
			return errors.New("web.service failed")
		}
	})
	f.waves([]schema.HostName{"web-1"}, []schema.HostName{"web-2"})
	check("a canary that fails", f, f.execute())
	f, _ = upgraded(t, schema.RollbackAll)
	none := 0
	f.plan.Index.Rollout.Waves[1].FailureBudget = &none
	f.seal()
	f.hosts["web-3"].Set(unwell)
	check("a rollout that goes back", f, f.execute())
	f = newFleet(t, 2)
	f.hosts["web-1"].Set(func(s *simhost.State) { s.OnRun = says("up\xff\n", schema.Exit{}) })
	f.hosts["web-2"].Set(func(s *simhost.State) { s.OnRun = says("", schema.Exit{Signal: 15, TimedOut: true}) })
	check("a command", f, f.run(Command{Argv: []string{"uptime"}, MaxOutput: 100}, BackOptions{}))
	f.execute()
	f.events = nil
	record, err := Rollback(context.Background(), f.plan.Index.Hosts, "previous", BackOptions{}, f.deps)
	if err != nil {
		t.Fatal(err)
	}
	check("a rollback", f, record)

	var published struct {
		Defs map[string]struct{ Enum []schema.EventKind } `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(validate.EventSchema), &published); err != nil {
		t.Fatal(err)
	}
	all := published.Defs["EventKind"].Enum
	if len(all) < 15 {
		t.Fatalf("the schema has %d kinds", len(all))
	}
	missing := slices.DeleteFunc(all, func(kind schema.EventKind) bool { return kinds[kind] })
	if len(missing) > 0 {
		t.Errorf("no run tells of %q", missing)
	}
}

func marshal(t *testing.T, event schema.Event) []byte {
	t.Helper()
	line, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return line
}
