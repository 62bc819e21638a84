package session

import (
	"context"
	"encoding/base64"
	"encoding/json"
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
		body [][]byte
		err  error
	}
}

// replaceBody encodes the request to replace the helper once for all hosts.
func (h *Helper) replaceBody() ([][]byte, error) {
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
		h.encoded.body = [][]byte{[]byte(`{"index":`), index, []byte(`,"binary":"`), encoded, []byte(`"}`)}
	})
	return h.encoded.body, h.encoded.err
}

// Open starts the helper and says hello. Where another helper than the plan's is
// there, it is replaced; where none is, the plan's is installed, if the account
// may do anything as root. With look, neither is done: no file on the host changes.
func Open(ctx context.Context, conn *transport.Conn, id Identity, helper *Helper, note func(string), look bool) (*Session, *protocol.HelloReply, error) {
	s, reply, err := hello(ctx, conn, id)
	var missing *missingHelper
	switch {
	case errors.As(err, &missing) && look:
		return nil, nil, fault.New(fault.Refused, "cannot look at %s: the helper is not there yet", id.Host).
			WithHint("a run without --dry-run installs it where %q may use sudo freely", conn.User())
	case errors.As(err, &missing):
		if err := install(ctx, conn, id, helper, note); err != nil {
			return nil, nil, err
		}
	case err == nil && reply.System != helper.System:
		s.Close()
		return nil, nil, WrongSystem(string(id.Host), string(helper.System), string(reply.System))
	case err == nil && reply.Version == protocol.Version && (reply.Helper == helper.Hash || look):
		return s, reply, nil
	case err == nil && look:
		s.Close()
		return nil, nil, versionError(id, reply.Version)
	case err == nil:
		err := s.replace(ctx, helper, note)
		s.Close()
		if err != nil {
			return nil, nil, err
		}
	case isProtocol(err) && !look:
		if err := replaceUnheard(ctx, conn, id, helper, note, err); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, err
	}
	return reopen(ctx, conn, id, helper)
}

// reopen says hello to the helper that was just put in place.
func reopen(ctx context.Context, conn *transport.Conn, id Identity, helper *Helper) (*Session, *protocol.HelloReply, error) {
	s, reply, err := hello(ctx, conn, id)
	if err != nil {
		return nil, nil, fmt.Errorf("the helper that was just installed on %s does not work: %w", id.Host, err)
	}
	if reply.Version != protocol.Version {
		s.Close()
		return nil, nil, versionError(id, reply.Version)
	}
	if reply.Helper != helper.Hash {
		s.Close()
		return nil, nil, fault.New(fault.Refused, "wrong helper on %s after its installation: expected %s, found %s", id.Host, helper.Hash, reply.Helper)
	}
	return s, reply, nil
}

func isProtocol(err error) bool {
	var reported *protocol.Error
	return errors.As(err, &reported) && reported.Kind == protocol.KindProtocol
}

// replaceUnheard replaces a helper that refuses to talk in this version. The
// request to do so is meant to be alike in all of them.
func replaceUnheard(ctx context.Context, conn *transport.Conn, id Identity, helper *Helper, note func(string), because error) error {
	s, err := start(conn, id)
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

func versionError(id Identity, found int) error {
	return fault.New(fault.Refused, "the helper on %s speaks another protocol: expected version %d, found %d", id.Host, protocol.Version, found).
		WithHint("%s", byHand(id))
}

func hello(ctx context.Context, conn *transport.Conn, id Identity) (*Session, *protocol.HelloReply, error) {
	s, err := start(conn, id)
	if err != nil {
		return nil, nil, err
	}
	reply, err := s.hello(ctx)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	return s, reply, nil
}

func (s *Session) hello(ctx context.Context) (*protocol.HelloReply, error) {
	body, err := json.Marshal(protocol.Hello{Version: protocol.Version, Host: s.Host, Operator: s.Operator, Manifest: s.Manifest})
	if err != nil {
		return nil, err
	}
	response, err := s.Call(ctx, Request{Op: protocol.OpHello, Field: "hello", Body: [][]byte{body}, Deadline: helloPatience})
	if err != nil {
		return nil, s.diagnose(ctx, err)
	}
	if response.HelloReply == nil {
		return nil, fault.New(fault.Refused, "the helper on %s answered hello with something else", s.Host)
	}
	return response.HelloReply, nil
}

// replace hands the running helper its successor.
func (s *Session) replace(ctx context.Context, helper *Helper, note func(string)) error {
	body, err := helper.replaceBody()
	if err != nil {
		return err
	}
	// If we crash here, the host has the old helper or the new one: it is renamed
	// into place, and the next run looks again.
	response, err := s.Call(ctx, Request{Op: protocol.OpReplaceHelper, Field: "replaceHelper", Body: body, Deadline: replacePatience})
	if err != nil {
		return fmt.Errorf("cannot replace the helper on %s: %w", s.Host, err)
	}
	if response.ReplaceReply == nil || response.ReplaceReply.Helper != helper.Hash {
		return fault.New(fault.Refused, "cannot replace the helper on %s: it answered with something else", s.Host)
	}
	note("replaced the helper by the plan's, " + helper.Hash.Short())
	return nil
}
