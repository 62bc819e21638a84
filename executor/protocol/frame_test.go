package protocol

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// serverOf returns a server with a few operations whose handlers do nothing.
func serverOf() *Server {
	s := NewServer(nil)
	Handle[HelloRequest, HelloReply](s, Hello, nil)
	Handle[ReplaceRequest, ReplaceReply](s, ReplaceHelper, nil)
	return s
}

func TestFramesRoundTrip(t *testing.T) {
	var wire bytes.Buffer
	conn := NewConn(&wire, &wire)
	type message struct {
		head Request
		body string
	}
	sent := []message{
		{Request{Seq: 1, Op: "hello", Version: Version, Run: "r", Host: "web-1", Digest: schema.DigestOf(nil)}, "{}"},
		{Request{Seq: 2, Op: "replace-helper", Version: Version, Run: "r", Host: "web-1", Digest: schema.DigestOf(nil), Epoch: 7}, strings.Repeat("long ", 100000)},
		{Request{Seq: 3, Op: "hello", Version: Version, Run: "r", Host: "web-1", Digest: schema.DigestOf(nil)}, ""},
	}
	for _, m := range sent {
		if err := conn.Request(&m.head, []byte(m.body)); err != nil {
			t.Fatal(err)
		}
	}
	server := serverOf()
	for _, want := range sent {
		head, body, err := server.Receive(conn)
		if err != nil || !reflect.DeepEqual(*head, want.head) || string(body) != want.body {
			t.Errorf("%+v became %+v, %q, %v", want, head, body, err)
		}
	}
	if _, _, err := server.Receive(conn); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestBodyInPartsIsTheSameFrame(t *testing.T) {
	body := []byte(strings.Repeat("x", 10000))
	frame := func(parts ...[]byte) string {
		var wire bytes.Buffer
		if err := NewConn(nil, &wire).Request(&Request{Op: "hello", Host: "web-1", Digest: schema.DigestOf(nil)}, parts...); err != nil {
			t.Fatal(err)
		}
		return wire.String()
	}
	whole := frame(body)
	for _, parts := range [][][]byte{{body[:5], body[5:]}, {body[:6000], nil, body[6000:]}} {
		if frame(parts...) != whole {
			t.Errorf("in %d parts it is another frame", len(parts))
		}
	}
}

func TestOversizedMessagesAreNotSent(t *testing.T) {
	conn := NewConn(nil, io.Discard)
	err := conn.Request(&Request{Operator: strings.Repeat("x", maxHead), Host: "web-1", Digest: schema.DigestOf(nil)})
	if err == nil || !strings.Contains(err.Error(), "cannot send a message whose head has ") {
		t.Errorf("found %v", err)
	}
	large := make([]byte, maxBody/2+1)
	err = conn.Request(&Request{Host: "web-1", Digest: schema.DigestOf(nil)}, large, large)
	if err == nil || err.Error() != "cannot send a message of 268435458 bytes: at most 268435456 are allowed" {
		t.Errorf("found %v", err)
	}
}

func TestBrokenFrames(t *testing.T) {
	head := func(text string) string { return "\x00\x00\x00" + string(rune(len(text))) }
	for input, want := range map[string]string{
		"\x00\x00":                                                   "unexpected EOF",
		"\x00\x00\x00\x05\x00\x00\x00":                               "unexpected EOF",
		"\x00\x00\x00\x05\x00\x00\x00\x00":                           "unexpected EOF",
		"\xff\xff\xff\xff\x00\x00\x00\x00":                           "cannot read a message: its head cannot have 4294967295 bytes; another program writes to the stream",
		head("{]") + "\x00\x00\x00\x00{]":                            "cannot read the head of a message: invalid character",
		head("{}") + "\x00\x04\x00\x01{}":                            "cannot read a message of 262145 bytes: at most 262144 are allowed",
		head("{}") + "\x00\x00\x00\x02{}{":                           "unexpected EOF",
		head(`{"version":3}`) + "\x00\x00\x00\x00" + `{"version":3}`: `cannot read the head of a message: the field "digest" is missing`,
		head(`{"version":3,"more":1}`) + "\x00\x00\x00\x00" + `{"version":3,"more":1}`: `cannot read the head of a message: line 1: unknown field "more"`,
	} {
		_, _, err := serverOf().Receive(NewConn(strings.NewReader(input), nil))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: expected %q, found %v", input, want, err)
		}
	}
}

// A head of another version may hold anything: the answer is that the versions differ.
func TestHeadsOfOtherVersionsAreRead(t *testing.T) {
	text := `{"seq":4,"op":"sing","version":9,"key":"C"}`
	head, _, err := serverOf().Receive(NewConn(strings.NewReader("\x00\x00\x00"+string(rune(len(text)))+"\x00\x00\x00\x00"+text), nil))
	if err != nil || head.Version != 9 || head.Seq != 4 {
		t.Errorf("found %+v, %v", head, err)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02\x00\x00\x00\x00{}"))
	f.Add([]byte("\x00\x00\x00\x09\x00\x00\x00\x01{\"seq\":1}\n\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		conn := NewConn(bytes.NewReader(input), nil)
		for {
			_, _, err := conn.ReceiveResponse()
			if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
				return
			}
			if err != nil {
				if !strings.HasPrefix(err.Error(), "cannot read ") {
					t.Fatal(err)
				}
				return
			}
		}
	})
}
