package execution

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Interruptible returns a context that the second interrupt cancels, and a channel that
// the first one closes. Say tells people of the first.
func Interruptible(parent context.Context, say func(line string)) (ctx context.Context, stop <-chan struct{}, release func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	first, done := make(chan struct{}), make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-signals:
			}
			if n == 0 {
				say("interrupted: hosts at work finish, no other starts; interrupt again to cut")
				close(first)
			} else {
				cancel()
			}
		}
	}()
	return ctx, first, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}
