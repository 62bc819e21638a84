// Package health asks the questions that tell whether a host is well, each as often
// as the plan says: on the host itself, and from the controller. Both ask alike.
package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

// Asker is where questions are asked from.
type Asker struct {
	// Place is that place; checks from another are not asked.
	Place schema.Place
	// Address is the host whose ports are asked for.
	Address string
	// Dial opens connections.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Shell runs a line for sh and returns the end of what it wrote.
	Shell func(ctx context.Context, line string) (output []byte, err error)
	// Unit looks at a unit. It is nil on a controller, which no check of a unit is from.
	Unit func(ctx context.Context, name schema.UnitName) (Unit, error)
}

// Unit is what systemd says of a unit.
type Unit struct {
	// Active reports whether it is active; State says what it is.
	Active bool
	State  string
	// Restarts is how often systemd restarted it by itself, and Invocation its last start.
	Restarts   uint32
	Invocation string
}

// Concerned returns the checks that this asker asks.
func (a Asker) Concerned(checks []schema.HealthCheck) []schema.HealthCheck {
	return slices.DeleteFunc(slices.Clone(checks), func(c schema.HealthCheck) bool { return c.From != a.Place })
}

// Ask asks all checks that concern it, in parallel, and returns what is not well. It calls
// note, once at a time, for a check that still fails when half of its tries are used up.
func (a Asker) Ask(ctx context.Context, checks []schema.HealthCheck, note func(string)) error {
	checks = a.Concerned(checks)
	errs := make([]error, len(checks))
	var asking sync.WaitGroup
	var mu sync.Mutex
	for i := range checks {
		asking.Go(func() {
			errs[i] = a.insist(ctx, &checks[i], func(text string) {
				mu.Lock()
				defer mu.Unlock()
				note(text)
			})
		})
	}
	asking.Wait()
	return errors.Join(errs...)
}

// Longest is how long asking may take in all.
func Longest(checks []schema.HealthCheck) time.Duration {
	var longest time.Duration
	for _, c := range checks {
		longest = max(longest, duration(c.StartDelay)+time.Duration(c.Retries+1)*(duration(c.Timeout)+duration(c.Interval)))
	}
	return longest
}

// insist asks until the answer is right, or was wrong often enough.
func (a Asker) insist(ctx context.Context, c *schema.HealthCheck, note func(string)) error {
	if !pause(ctx, duration(c.StartDelay)) {
		return ended(ctx, c)
	}
	for asked := 1; ; asked++ {
		limited, cancel := context.WithTimeout(ctx, duration(c.Timeout))
		err := a.ask(limited, c)
		late := limited.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ended(ctx, c)
		case late:
			err = fmt.Errorf("%s has not answered after %s", subject(c), c.Timeout)
		}
		if asked > c.Retries {
			return fmt.Errorf("health check %q failed, asked %s from the %s: %w", c.Name, times(asked), a.Place, err)
		}
		// Until half of the tries are used up, a service may simply still be starting.
		if asked == 1+c.Retries/2 {
			note(fmt.Sprintf("health check %q: %s; retrying, %s left", c.Name, firstLine(err), tries(c.Retries-asked+1)))
		}
		if !pause(ctx, duration(c.Interval)) {
			return ended(ctx, c)
		}
	}
}

func ended(ctx context.Context, c *schema.HealthCheck) error {
	return fmt.Errorf("health check %q was cut short: %w", c.Name, context.Cause(ctx))
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func tries(n int) string {
	if n == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", n)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func (a Asker) ask(ctx context.Context, c *schema.HealthCheck) error {
	switch c.Kind {
	case schema.CheckUnit:
		return a.askUnit(ctx, c)
	case schema.CheckTCP:
		return a.askPort(ctx, c)
	case schema.CheckHTTP:
		return a.fetch(ctx, c)
	case schema.CheckCommand:
		return a.askCommand(ctx, c)
	}
	return fmt.Errorf("this version knows no checks of kind %q", c.Kind)
}

func subject(c *schema.HealthCheck) string {
	switch c.Kind {
	case schema.CheckUnit:
		return string(c.Unit)
	case schema.CheckTCP:
		return fmt.Sprintf("port %d", c.Port)
	case schema.CheckHTTP:
		return c.URL
	}
	return "the command"
}

// calm is how long a unit is watched that is active: one that ends again and again
// is active in between.
const calm = time.Second

func (a Asker) askUnit(ctx context.Context, c *schema.HealthCheck) error {
	if a.Unit == nil {
		return errors.New("only the host can tell whether a unit is active")
	}
	first, err := a.activeUnit(ctx, c.Unit)
	if err != nil || !pause(ctx, min(calm, duration(c.Interval))) {
		return errors.Join(err, ctx.Err())
	}
	second, err := a.activeUnit(ctx, c.Unit)
	if err == nil && (second.Restarts != first.Restarts || second.Invocation != first.Invocation) {
		return fmt.Errorf("%s is restarting: systemd has started it again %s", c.Unit, times(int(second.Restarts)))
	}
	return err
}

func (a Asker) activeUnit(ctx context.Context, name schema.UnitName) (Unit, error) {
	u, err := a.Unit(ctx, name)
	if err == nil && !u.Active {
		err = fmt.Errorf("%s is %s", name, u.State)
	}
	return u, err
}

func (a Asker) askPort(ctx context.Context, c *schema.HealthCheck) error {
	conn, err := a.Dial(ctx, "tcp", net.JoinHostPort(a.Address, strconv.Itoa(c.Port)))
	if err != nil {
		return err
	}
	return conn.Close()
}

func (a Asker) askCommand(ctx context.Context, c *schema.HealthCheck) error {
	if a.Shell == nil {
		return errors.New("commands cannot be run here")
	}
	output, err := a.Shell(ctx, c.Command)
	if err == nil {
		return nil
	}
	text := fmt.Sprintf("%q: %v", firstLine(errors.New(strings.TrimSpace(c.Command))), err)
	if end := lastLines(string(output)); end != "" {
		text += "\n  the last lines of its output:\n    " + end
	}
	return errors.New(text)
}

const outputLines, outputWidth = 10, 400

func lastLines(output string) string {
	lines := strings.Split(strings.TrimRight(strings.ToValidUTF8(output, "?"), "\n"), "\n")
	lines = lines[max(0, len(lines)-outputLines):]
	for i, line := range lines {
		if letters := []rune(line); len(letters) > outputWidth {
			lines[i] = string(letters[:outputWidth]) + "…"
		}
	}
	return strings.Join(lines, "\n    ")
}

// duration reads what the compiler has read too.
func duration(text string) time.Duration {
	d, _ := time.ParseDuration(text)
	return d
}

// pause reports whether all of it went by.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
