package protocol

import (
	"context"
	"fmt"
	"regexp"

	"github.com/nixfleet/nixfleet/schema"
)

// Server answers the requests of one session, with a handler for each operation.
type Server struct {
	handlers map[string]handler
	// lease takes the host's lease for a request, or checks that its run has it.
	lease func(context.Context, *Request) error
	// greeted says that a hello succeeded, answered that any request did.
	greeted, answered bool
}

type handler struct {
	Rules
	answer func(ctx context.Context, request *Request, body []byte) (any, error)
}

// NewServer returns a server without handlers.
func NewServer(lease func(context.Context, *Request) error) *Server {
	return &Server{handlers: map[string]handler{}, lease: lease}
}

// Handle registers the handler of an operation.
func Handle[Q, R any](s *Server, op Op[Q, R], answer func(context.Context, *Request, *Q) (*R, error)) {
	HandleDecoded(s, op, decode[Q], answer)
}

// HandleDecoded is [Handle] with a decoder of one's own, which may decode into another type.
func HandleDecoded[Q, R, D any](s *Server, op Op[Q, R], read func([]byte) (*D, error), answer func(context.Context, *Request, *D) (*R, error)) {
	s.handlers[op.Name] = handler{Rules(op), func(ctx context.Context, request *Request, body []byte) (any, error) {
		ask, err := read(body)
		if err != nil {
			return nil, Errorf("cannot read the request %q: %w", op.Name, err)
		}
		if op.Lease {
			if err := s.lease(ctx, request); err != nil {
				return nil, err
			}
		}
		reply, err := answer(ctx, request, ask)
		if err != nil {
			return nil, err
		}
		return reply, nil
	}}
}

// decode refuses fields that it does not know. What a plan must have, its digest proves.
func decode[Q any](body []byte) (*Q, error) {
	ask := new(Q)
	return ask, schema.DecodeKnown(body, ask)
}

// Receive reads the next request from a connection. After an error there is no next one.
func (s *Server) Receive(conn *Conn) (*Request, []byte, error) {
	request := &Request{}
	body, err := conn.receive(request, func() int {
		if limit := s.handlers[request.Op].Limit; limit > 0 {
			return limit
		}
		return smallBody
	})
	return request, body, err
}

// RunID is what the ids of runs look like; they become parts of the names of files and units.
var RunID = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z-]{0,63}$`)

// ender is a reply after which the session may be over.
type ender interface{ endsSession() bool }

// Answer answers a request and reports whether that was the session's last: because its
// reply says so, or because nothing in it has succeeded.
func (s *Server) Answer(ctx context.Context, request *Request, body []byte) (reply any, last bool, err error) {
	h, err := s.admit(request)
	if err == nil {
		if !h.Stops {
			ctx = context.WithoutCancel(ctx)
		}
		reply, err = h.answer(ctx, request, body)
	}
	if err != nil {
		return nil, !s.answered, err
	}
	s.answered = true
	s.greeted = s.greeted || h.Name == Hello.Name
	ends, ok := reply.(ender)
	return reply, ok && ends.endsSession(), nil
}

func (s *Server) admit(request *Request) (handler, error) {
	h, known := s.handlers[request.Op]
	switch {
	case request.Version != Version && !h.AnyVersion:
		return h, &Error{Kind: KindVersion, Message: fmt.Sprintf("this helper speaks version %d of the protocol, the executor version %d", Version, request.Version)}
	case !known:
		return h, Errorf("unknown request %q; this helper speaks version %d", request.Op, Version)
	case h.Name == Hello.Name && s.greeted, !h.Opens && !s.greeted:
		return h, Errorf("expected a session to begin with one hello, found %q", request.Op)
	case !RunID.MatchString(request.Run):
		return h, Errorf("invalid run id %q", request.Run)
	}
	return h, nil
}

// Errorf refuses a request that makes no sense.
func Errorf(format string, args ...any) error {
	return &Error{Kind: KindProtocol, Message: fmt.Errorf(format, args...).Error()}
}
