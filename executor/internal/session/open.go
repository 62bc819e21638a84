package session

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Helper is the helper that a plan names for a system, with its binary.
type Helper struct {
	System schema.System
	// Hash is what the plan says.
	Hash schema.Digest
	// Index is the plan's index, encoded: the proof that the plan names the hash.
	Index func() ([]byte, error)
	// Binary returns a file of that hash.
	Binary func() ([]byte, error)

	encoded struct {
		sync.Once
		body protocol.Body[protocol.ReplaceRequest]
		err  error
	}
}

// replaceBody encodes the request to replace the helper once for all hosts.
func (h *Helper) replaceBody() (protocol.Body[protocol.ReplaceRequest], error) {
	h.encoded.Do(func() {
		index, err := h.Index()
		if err != nil {
			h.encoded.err = err
			return
		}
		binary, err := h.Binary()
		if err != nil {
			h.encoded.err = err
			return
		}
		encoded := make([]byte, base64.StdEncoding.EncodedLen(len(binary)))
		base64.StdEncoding.Encode(encoded, binary)
		h.encoded.body = protocol.Body[protocol.ReplaceRequest]{[]byte(`{"index":`), index, []byte(`,"binary":"`), encoded, []byte(`"}`)}
	})
	return h.encoded.body, h.encoded.err
}

// Join starts the helper that is on the host, whatever its hash, and says hello. It
// neither installs nor replaces anything: it is for what a host can do by itself. On a
// host without a helper the error is an [*AbsentError].
func Join(ctx context.Context, conn *transport.Conn, id Identity) (*Session, *protocol.HelloReply, error) {
	s, err := Start(conn, id)
	if err != nil {
		return nil, nil, err
	}
	reply, err := Call(ctx, s, protocol.Hello, protocol.HelloRequest{Manifest: s.Manifest}, Options{})
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	return s, reply, nil
}

// Open starts the helper and says hello. Where another helper than the plan's is
// there, it is replaced; where none is, the plan's is installed, if the account
// may do anything as root. With look, neither is done: no file on the host changes.
func Open(ctx context.Context, conn *transport.Conn, id Identity, helper *Helper, note func(string), look bool) (*Session, *protocol.HelloReply, error) {
	s, reply, err := Join(ctx, conn, id)
	var absent *AbsentError
	switch {
	case errors.As(err, &absent) && !look:
		err = install(ctx, conn, id, helper, note)
	case err == nil && reply.System != string(helper.System):
		s.Close()
		return nil, nil, WrongSystem(string(id.Host), string(helper.System), reply.System)
	case err == nil && (reply.Helper == helper.Hash || look):
		return s, reply, nil
	case err == nil:
		err = s.replace(ctx, helper, note)
		s.Close()
	case isVersion(err) && !look:
		err = replaceUnheard(ctx, conn, id, helper, note, err)
	}
	if err != nil {
		return nil, nil, err
	}
	return reopen(ctx, conn, id, helper)
}

// reopen says hello to the helper that was just put in place.
func reopen(ctx context.Context, conn *transport.Conn, id Identity, helper *Helper) (*Session, *protocol.HelloReply, error) {
	s, reply, err := Join(ctx, conn, id)
	if err != nil {
		return nil, nil, fmt.Errorf("the helper that was just installed on %s does not work: %w", id.Host, err)
	}
	if reply.Helper != helper.Hash {
		s.Close()
		return nil, nil, fault.New(fault.Refused, "wrong helper on %s after its installation: expected %s, found %s", id.Host, helper.Hash, reply.Helper)
	}
	return s, reply, nil
}

func isVersion(err error) bool {
	var reported *protocol.Error
	return errors.As(err, &reported) && reported.Kind == protocol.KindVersion
}

// replaceUnheard replaces a helper that speaks another version, which accepts nothing else.
func replaceUnheard(ctx context.Context, conn *transport.Conn, id Identity, helper *Helper, note func(string), because error) error {
	s, err := Start(conn, id)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.replace(ctx, helper, note); err != nil {
		return fault.New(fault.Refused, "%s; and it cannot be replaced: %s", fault.Brief(because), fault.Brief(err)).
			WithHint("%s", byHand(id))
	}
	return nil
}

// replace hands the running helper its successor.
func (s *Session) replace(ctx context.Context, helper *Helper, note func(string)) error {
	body, err := helper.replaceBody()
	if err != nil {
		return err
	}
	// If we crash here, the host has the old helper or the new one: it is renamed
	// into place, and the next run looks again.
	reply, err := CallEncoded(ctx, s, protocol.ReplaceHelper, body, Options{})
	if err == nil && reply.Helper != helper.Hash {
		err = Unexpected(s, protocol.ReplaceHelper, fmt.Sprintf("expected %s, found %s", helper.Hash, reply.Helper))
	}
	if err != nil {
		return fmt.Errorf("cannot replace the helper on %s: %w", s.Host, err)
	}
	note("replaced the helper by the plan's, " + helper.Hash.Short())
	return nil
}
