package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"golang.org/x/crypto/ssh"
)

// Conn is an open connection to a host. With a thousand of them open, what each
// keeps counts: goroutines and buffers are few.
type Conn struct {
	link ssh.Conn
	name string
	user string
	key  string
	lost chan struct{} // closed when the connection has ended

	mu    sync.Mutex
	cause error // why it ended, where we know better than the library
	alive *time.Timer
}

// newConn takes a connection over, with what the host may ask over it, which is nothing.
func newConn(l *login) *Conn {
	c := &Conn{link: l.Conn, name: l.route.Name, user: l.route.User, key: ownKey(l.route.key), lost: make(chan struct{})}
	c.keepAlive(l.route.aliveInterval, max(l.route.aliveCount, 1))
	go func() {
		refuseAll(l.channels, l.requests)
		c.gone(c.link.Wait())
	}()
	return c
}

// refuseAll refuses what a host asks, until the connection has ended.
func refuseAll(channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
	for channels != nil || requests != nil {
		select {
		case channel, open := <-channels:
			if !open {
				channels = nil
				continue
			}
			_ = channel.Reject(ssh.Prohibited, "a controller takes no channels")
		case request, open := <-requests:
			if !open {
				requests = nil
				continue
			}
			if request.WantReply {
				_ = request.Reply(false, nil)
			}
		}
	}
}

// User is the account that is logged in.
func (c *Conn) User() string { return c.user }

// HostKey names the key that the host proved to have; of one with a certificate, the key
// that this is for.
func (c *Conn) HostKey() string { return c.key }

// Close ends the connection.
func (c *Conn) Close() {
	c.setCause(errClosed)
	c.link.Close()
}

var errClosed = errors.New("the connection was closed")

// closeBecause ends the connection for a reason that its users will be told.
func (c *Conn) closeBecause(err error) {
	c.setCause(err)
	c.link.Close()
}

// CloseWhenDone ends the connection, with the context's cause, when ctx is done.
// The returned function undoes that.
func (c *Conn) CloseWhenDone(ctx context.Context) (undo func() bool) {
	return context.AfterFunc(ctx, func() { c.closeBecause(context.Cause(ctx)) })
}

// setCause keeps the first cause.
func (c *Conn) setCause(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == nil {
		c.cause = err
	}
}

// lostError is the error for whatever was under way when the connection ended.
func (c *Conn) lostError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cause := c.cause
	if cause == nil || errors.Is(cause, io.EOF) {
		cause = errors.New("the host closed the connection")
	}
	return fault.New(fault.LinkLost, "lost the connection to %s: %w", c.name, cause)
}

// settled is how long a channel's end may come before the news that the whole
// connection has ended, or before the exit status.
const settled = time.Second

// ended reports whether the connection has ended, giving the news a moment to arrive.
func (c *Conn) ended() bool {
	select {
	case <-c.lost:
		return true
	case <-time.After(settled):
		return false
	}
}

// keepAlive asks the host whether it is there, and ends the connection when so
// many questions in a row stay open. Without it, a link that was cut without a
// word would hang until TCP gives up, after a quarter of an hour.
func (c *Conn) keepAlive(interval time.Duration, count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	open := 0 // questions asked since the last answer
	c.alive = time.AfterFunc(interval, func() {
		c.mu.Lock()
		asked := open
		open++
		if asked < count {
			c.alive.Reset(interval)
		}
		c.mu.Unlock()
		if asked >= count {
			c.closeBecause(fmt.Errorf("no answer for %s", time.Duration(asked)*interval))
			return
		}
		if asked > 0 {
			return // the first question is still open; any answer will do
		}
		// Any reply is a sign of life, also "unknown request".
		if _, _, err := c.link.SendRequest("keepalive@openssh.com", true, nil); err == nil {
			c.mu.Lock()
			open = 0
			c.mu.Unlock()
		}
	})
}

// gone lets go of what the connection had.
func (c *Conn) gone(err error) {
	c.setCause(err)
	close(c.lost)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alive.Stop()
}
