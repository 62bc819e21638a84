package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// relay stands in a host's cable and hands each frame on after a while. The kernel's own way, netem, is a module that
// many small kernels lack.
type relay struct {
	oneWay atomic.Int64 // time.Duration
	stop   chan struct{}
	done   sync.WaitGroup
}

// Delay adds d to each round trip between the host and all others; zero ends that. It lasts no longer than this process.
func (h *Host) Delay(ctx context.Context, d time.Duration) error {
	h.cable.Lock()
	defer h.cable.Unlock()
	switch {
	case d < 0:
		return fmt.Errorf("cannot delay host %q by %v: it would have to know the future", h.Name, d)
	case d == 0 && h.relay == nil:
		return nil
	case d == 0:
		h.relay.close()
		h.relay = nil
		return h.network(ctx, `ip link del "$1-in"; ip link set "$1" arp on master lab0`, h.link())
	case h.relay == nil:
		// Without "arp off" the controller would answer questions for its address on the loose ends.
		err := h.network(ctx, `ip link add "$1-in" type veth peer name "$1-out"
			ip link set "$1-out" master lab0 up
			ip link set "$1-in" arp off up
			ip link set "$1" nomaster arp off`, h.link())
		if err != nil {
			return err
		}
		if h.relay, err = h.lab.startRelay(h.link(), h.link()+"-in", d/2); err != nil {
			return fmt.Errorf("cannot delay host %q: %w", h.Name, err)
		}
	}
	h.relay.oneWay.Store(int64(d / 2))
	return nil
}

// delay is what Delay has added to each round trip.
func (h *Host) delay() time.Duration {
	h.cable.Lock()
	defer h.cable.Unlock()
	if h.relay == nil {
		return 0
	}
	return 2 * time.Duration(h.relay.oneWay.Load())
}

// startRelay connects two links of the lab's network.
func (l *Lab) startRelay(one, other string, oneWay time.Duration) (*relay, error) {
	r := &relay{stop: make(chan struct{})}
	r.oneWay.Store(int64(oneWay))
	a, err := l.openLink(one)
	if err != nil {
		return nil, err
	}
	b, err := l.openLink(other)
	if err != nil {
		_ = unix.Close(a)
		return nil, err
	}
	var pumps sync.WaitGroup
	pumps.Go(func() { r.pump(a, b) })
	pumps.Go(func() { r.pump(b, a) })
	r.done.Go(func() {
		pumps.Wait()
		_ = unix.Close(a)
		_ = unix.Close(b)
	})
	return r, nil
}

func (r *relay) close() {
	close(r.stop)
	r.done.Wait()
}

// openLink returns a socket for whole frames of one link, each behind a header with what the sender left to hardware:
// checksums and segmentation. Sent with the same header, they stay left to it.
func (l *Lab) openLink(name string) (int, error) {
	fd := -1
	err := l.inNetwork(func() error {
		link, err := net.InterfaceByName(name)
		if err != nil {
			return err
		}
		all := int(unix.ETH_P_ALL>>8 | unix.ETH_P_ALL&0xff<<8)
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return os.NewSyscallError("socket", err)
		}
		timeout := unix.NsecToTimeval(int64(50 * time.Millisecond))
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
			unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20),
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout),
			unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(all), Ifindex: link.Index}),
		)
	})
	if err != nil && fd >= 0 {
		_ = unix.Close(fd)
	}
	return fd, err
}

// pump hands frames from one link to the other, in order.
func (r *relay) pump(from, to int) {
	type frame struct {
		due  time.Time
		data []byte
	}
	// More than that in flight is lost, as in a real cable's buffers.
	queue := make(chan frame, 20_000)
	var writer sync.WaitGroup
	writer.Go(func() {
		for f := range queue {
			time.Sleep(time.Until(f.due))
			// A link that is down loses the frame.
			_, _ = unix.Write(to, f.data)
		}
	})
	buffer := make([]byte, 1<<17)
	for {
		select {
		case <-r.stop:
			close(queue)
			writer.Wait()
			return
		default:
		}
		n, err := unix.Read(from, buffer)
		if err != nil || n == 0 {
			if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
				time.Sleep(10 * time.Millisecond) // The link is down.
			}
			continue
		}
		f := frame{time.Now().Add(time.Duration(r.oneWay.Load())), append([]byte(nil), buffer[:n]...)}
		select {
		case queue <- f:
		default:
		}
	}
}
