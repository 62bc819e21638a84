package executor_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/schema"
)

// A program executes a plan, prints what happens and lets Ctrl-C stop it.
func Example() {
	var plan *schema.Plan // read and validated elsewhere
	stop := make(chan struct{})
	execute := func(ctx context.Context) error {
		state, err := executor.StateDir(os.Getenv("HOME"), os.Getenv)
		if err != nil {
			return err
		}
		record, err := executor.Execute(ctx, plan, executor.Options{
			Select:   executor.Selection{Groups: []string{"web"}},
			Parallel: 10,
			Closures: "/srv/cache",
			Operator: "alice@desk",
			Stop:     stop, // closed by the first Ctrl-C; the second cancels ctx
		}, executor.Deps{
			Observe: func(e schema.Event) { fmt.Fprintln(os.Stderr, e.Host, e.Kind, e.Stage, e.Note) },
			Helpers: func(system schema.System) ([]byte, error) { return os.ReadFile("nixfleet-host-" + string(system)) },
			Home:    os.Getenv("HOME"), User: os.Getenv("USER"), Getenv: os.Getenv,
			Clock: time.Now, Random: rand.Reader, StateDir: state,
		})
		if record == nil {
			return err // refused: no host was connected to
		}
		for name, host := range record.Hosts {
			fmt.Println(name, host.Outcome)
		}
		return err
	}
	_ = execute
}
