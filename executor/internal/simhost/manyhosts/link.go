package main

import (
	"io"
	"net"
	"sync"
	"time"
)

// link is a connection over a distance: what is sent arrives half a trip later,
// in each direction, however much is under way.
type link struct {
	net.Conn
	in, out *way
	pending []byte
}

// far puts a distance before a connection. The first trip is that of opening it,
// which took no time on this machine.
func far(conn net.Conn, trip time.Duration) net.Conn {
	l := &link{Conn: conn, in: newWay(trip / 2), out: newWay(trip / 2)}
	time.Sleep(trip)
	go l.receive()
	go l.deliver()
	return l
}

func (l *link) receive() {
	for {
		buffer := make([]byte, 32<<10)
		n, err := l.Conn.Read(buffer)
		if n > 0 {
			l.in.put(buffer[:n:n], nil)
		}
		if err != nil {
			l.in.put(nil, err)
			return
		}
	}
}

func (l *link) deliver() {
	for {
		data, err := l.out.take()
		if err == nil {
			_, err = l.Conn.Write(data)
		}
		if err != nil {
			l.Conn.Close()
			return
		}
	}
}

func (l *link) Read(p []byte) (int, error) {
	if len(l.pending) == 0 {
		var err error
		if l.pending, err = l.in.take(); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.pending)
	l.pending = l.pending[n:]
	return n, nil
}

func (l *link) Write(p []byte) (int, error) {
	l.out.put(append([]byte(nil), p...), nil)
	return len(p), nil
}

// Close ends the connection after what was written has left.
func (l *link) Close() error {
	l.out.put(nil, io.EOF)
	return nil
}

// way is one direction.
type way struct {
	long time.Duration
	mu   sync.Mutex
	more *sync.Cond
	line []parcel
}

type parcel struct {
	due  time.Time
	data []byte
	err  error
}

func newWay(long time.Duration) *way {
	w := &way{long: long}
	w.more = sync.NewCond(&w.mu)
	return w
}

func (w *way) put(data []byte, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = append(w.line, parcel{time.Now().Add(w.long), data, err})
	w.more.Signal()
}

// take returns what arrives next. An error stays.
func (w *way) take() ([]byte, error) {
	w.mu.Lock()
	for len(w.line) == 0 {
		w.more.Wait()
	}
	first := w.line[0]
	if first.err == nil {
		w.line = w.line[1:]
	}
	w.mu.Unlock()
	time.Sleep(time.Until(first.due))
	return first.data, first.err
}
