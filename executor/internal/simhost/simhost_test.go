package simhost

import (
	"io"
	"sync"
	"testing"

	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
	"github.com/nixfleet/nixfleet/executor/protocol/protocoltest"
)

// A simulated host keeps to the protocol as the real helper does.
func TestProtocol(t *testing.T) {
	protocoltest.Run(t, func(testing.TB) protocoltest.Connect {
		h := New(nil, &Parts{})
		h.Set(func(s *State) {
			s.Helper = []byte("the helper")
			s.OnApply = func(change *Transaction) error {
				change.Confirm("1m0s")
				return nil
			}
		})
		return func() (io.Reader, io.Writer, func()) {
			requests, in := io.Pipe()
			out, responses := io.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				h.Serve(&sshtest.Command{Stdin: requests, Stdout: responses, Stderr: io.Discard})
				responses.Close()
				requests.CloseWithError(io.EOF)
			}()
			return out, in, sync.OnceFunc(func() { in.Close(); <-done })
		}
	})
}
