package host

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/protocol/protocoltest"
)

// The helper keeps to the protocol as the simulated hosts of other tests do.
func TestProtocol(t *testing.T) {
	needRoot(t)
	protocoltest.Run(t, func(t testing.TB) protocoltest.Connect {
		w := newWorld(t)
		w.behind()
		w.deps.Idle = time.Minute
		return func() (io.Reader, io.Writer, func()) {
			requests, in := io.Pipe()
			out, responses := io.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = Serve(context.Background(), requests, responses, w.deps) // what the executor sees is tested
				responses.Close()
				requests.CloseWithError(io.EOF)
			}()
			return out, in, sync.OnceFunc(func() { in.Close(); <-done })
		}
	})
}
