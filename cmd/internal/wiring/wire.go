package wiring

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/nixfleet/nixfleet/schema"
)

// wireWidth bounds what is printed of one message: a helper's binary has megabytes.
const wireWidth = 4000

// Wire returns an onlooker that prints messages, a line each.
func Wire(w io.Writer) func(host schema.HostName, sent bool, parts ...[]byte) {
	var mu sync.Mutex
	return func(host schema.HostName, sent bool, parts ...[]byte) {
		arrow, message := "<-", bytes.Join(parts, nil)
		if sent {
			arrow = "->"
		}
		size := len(message)
		if size > wireWidth {
			message = append(message[:wireWidth:wireWidth], "…"...)
		}
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(w, "%s %s %d bytes %s\n", host, arrow, size, message)
	}
}
