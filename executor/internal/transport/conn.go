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

// Conn is an open connection to a host.
type Conn struct {
	client *ssh.Client
	name   string
	user   string
	lost   chan struct{} // closed when the connection has ended

	mu    sync.Mutex
	cause error // why it ended, where we know better than the library
}

func newConn(client *ssh.Client, r *route) *Conn {
	c := &Conn{client: client, name: r.Name, user: r.User, lost: make(chan struct{})}
	go func() {
		err := client.Wait()
		c.setCause(err)
		close(c.lost)
	}()
	go c.keepAlive(r.aliveInterval, max(r.aliveCount, 1))
	return c
}

// User is the account that is logged in.
func (c *Conn) User() string { return c.user }

// Close ends the connection.
func (c *Conn) Close() {
	c.setCause(errClosed)
	c.client.Close()
}

var errClosed = errors.New("the connection was closed")

// closeBecause ends the connection for a reason that its users will be told.
func (c *Conn) closeBecause(err error) {
	c.setCause(err)
	c.client.Close()
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
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	answers := make(chan struct{}, 1)
	open := 0 // questions asked since the last answer
	for {
		select {
		case <-c.lost:
			return
		case <-answers:
			open = 0
		case <-ticker.C:
			if open >= count {
				c.closeBecause(fmt.Errorf("no answer for %s", time.Duration(open)*interval))
				return
			}
			open++
			if open > 1 {
				continue // the first question is still open; any answer will do
			}
			go func() {
				// Any reply is a sign of life, also "unknown request".
				if _, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil); err == nil {
					answers <- struct{}{}
				}
			}()
		}
	}
}
