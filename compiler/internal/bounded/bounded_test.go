package bounded

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// work is what the child can be asked to do, by its argument.
var work = map[string]func(in io.Reader, out io.Writer) error{
	"echo": func(in io.Reader, out io.Writer) error {
		_, err := io.Copy(out, in)
		return err
	},
	"loop": func(io.Reader, io.Writer) error {
		for n := 0; ; n++ {
			spun.Store(int64(n))
		}
	},
	"wait": func(io.Reader, io.Writer) error {
		select {}
	},
	"allocate": func(io.Reader, io.Writer) error {
		kept := make([]byte, 1<<40)
		return errors.New(string(kept[:1]))
	},
	"grow": func(io.Reader, io.Writer) error {
		for kept := [][]byte{}; ; {
			kept = append(kept, bytes.Repeat([]byte{1}, 1<<20))
		}
	},
	"recurse": func(io.Reader, io.Writer) error { return recurse(0) },
	"fail":    func(io.Reader, io.Writer) error { return errors.New("no room") },
}

// spun is written by a loop, so that it is work and not an empty one.
var spun atomic.Int64

func recurse(n int) error {
	if n < 0 {
		return errors.New("never")
	}
	return errors.Join(recurse(n+1), nil)
}

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "child" {
		debug.SetTraceback("none")
		if err := Serve(limitsOf(os.Args[2]), work[os.Args[2]], os.Stdin, os.Stdout); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// limitsOf are large but for the limit that a work exceeds.
func limitsOf(name string) Limits {
	limits := Limits{CPU: time.Hour, Clock: time.Hour, Memory: 256 << 20, Output: 1 << 20}
	switch name {
	case "loop":
		limits.CPU = time.Second
	case "wait":
		limits.Clock = time.Second
	}
	return limits
}

func TestLimits(t *testing.T) {
	for name, want := range map[string]string{
		"loop":     "it takes more than 1s of CPU time",
		"wait":     "it has not ended after 1s",
		"allocate": "it takes more than 256 MiB of memory",
		"grow":     "it takes more than 256 MiB of memory",
		"recurse":  "a function calls itself too often, or a value is nested too deep",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Process([]string{os.Args[0], "child", name}, limitsOf(name))(context.Background(), nil, io.Discard)
			var exceeded *Exceeded
			if !errors.As(err, &exceeded) || err.Error() != want {
				t.Errorf("found %v, want %s", err, want)
			}
		})
	}
}

func TestOutput(t *testing.T) {
	run := Process([]string{os.Args[0], "child", "echo"}, limitsOf("echo"))
	var out bytes.Buffer
	if err := run(context.Background(), []byte("hello"), &out); err != nil || out.String() != "hello" {
		t.Errorf("found %q, %v", out.String(), err)
	}
	err := run(context.Background(), bytes.Repeat([]byte("x"), 2<<20), io.Discard)
	if err == nil || err.Error() != "its result is larger than 1 MiB" {
		t.Errorf("found %v", err)
	}
}

func TestFailures(t *testing.T) {
	err := Process([]string{os.Args[0], "child", "fail"}, limitsOf("fail"))(context.Background(), nil, io.Discard)
	if !errors.Is(err, ErrEnded) || !strings.HasSuffix(err.Error(), ": no room") {
		t.Errorf("found %v", err)
	}
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(100*time.Millisecond, func() { cancel(interrupted) })
	if err := Process([]string{os.Args[0], "child", "wait"}, limitsOf("loop"))(ctx, nil, io.Discard); err != interrupted {
		t.Errorf("found %v", err)
	}
}
