package host

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
)

func TestProtocol(t *testing.T) {
	needRoot(t)
	testProtocol(t, func(t testing.TB) connectTo {
		w := newWorld(t)
		w.behind()
		w.deps.Idle = time.Minute
		return piped(func(in io.Reader, out io.Writer) {
			_ = Serve(context.Background(), in, out, w.deps) // what the executor sees is tested
		})
	})
}

// The executor's tests rely on simulated hosts, so these keep to the protocol as well.
func TestProtocolOfSimulatedHosts(t *testing.T) {
	testProtocol(t, func(testing.TB) connectTo {
		h := simhost.New(nil, &simhost.Parts{})
		h.Set(func(s *simhost.State) {
			s.Helper = []byte("the helper")
			s.OnApply = func(change *simhost.Transaction) error {
				change.Confirm("1m0s")
				return nil
			}
		})
		return piped(func(in io.Reader, out io.Writer) {
			h.Serve(&sshtest.Command{Stdin: in, Stdout: out, Stderr: io.Discard})
		})
	})
}

// piped connects to a helper in this process.
func piped(serve func(io.Reader, io.Writer)) connectTo {
	return func() (io.Reader, io.Writer, func()) {
		requests, in := io.Pipe()
		out, responses := io.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			serve(requests, responses)
			responses.Close()
			requests.CloseWithError(io.EOF)
		}()
		return out, in, sync.OnceFunc(func() { in.Close(); <-done })
	}
}
