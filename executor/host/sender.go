package host

import (
	"errors"
	"io"
	"sync"

	"github.com/nixfleet/nixfleet/executor/protocol"
)

// message is a response with its body.
type message struct {
	protocol.Response
	body any
}

// sender sends responses from a queue, so that neither a slow nor a broken link
// holds up an apply.
type sender struct {
	conn *protocol.Conn
	done chan struct{}

	mu     sync.Mutex
	more   *sync.Cond
	queue  []message
	closed bool
	err    error
}

func newSender(out io.Writer) *sender {
	s := &sender{conn: protocol.NewConn(nil, out), done: make(chan struct{})}
	s.more = sync.NewCond(&s.mu)
	go s.run()
	return s
}

func (s *sender) send(response message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, response)
	s.more.Signal()
}

// close waits until everything is sent, or cannot be.
func (s *sender) close() error {
	s.mu.Lock()
	s.closed = true
	s.more.Signal()
	s.mu.Unlock()
	<-s.done
	if s.err != nil {
		return errors.Join(errors.New("the link was cut"), s.err)
	}
	return nil
}

// broken reports whether the other end is known to be gone.
func (s *sender) broken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err != nil
}

func (s *sender) run() {
	defer close(s.done)
	for {
		batch := s.next()
		if batch == nil {
			return
		}
		for _, response := range batch {
			if err := s.conn.Respond(&response.Response, response.body); err != nil {
				s.mu.Lock()
				s.err = err
				s.mu.Unlock()
			}
		}
	}
}

// next waits for responses. After a failure they are dropped.
func (s *sender) next() []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 && !s.closed {
		s.more.Wait()
	}
	batch := s.queue
	s.queue = nil
	if s.err != nil {
		if s.closed {
			return nil
		}
		return []message{}
	}
	return batch
}
