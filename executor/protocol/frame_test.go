package protocol

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	var wire bytes.Buffer
	conn := NewConn(&wire, &wire)
	sent := []Request{
		{Seq: 1, Op: OpHello, Run: "r", Digest: "sha256:" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", Begin: &Begin{}},
		{Seq: 2, Op: OpBegin, Run: strings.Repeat("long ", 100000), Digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
	}
	for _, request := range sent {
		if err := conn.Send(request); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range sent {
		var got Request
		if err := conn.Receive(&got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v became %+v, %v", want, got, err)
		}
	}
	if err := conn.Receive(&Request{}); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// A frame in parts is the same frame.
func TestEncodedFrames(t *testing.T) {
	var whole, parts bytes.Buffer
	value := map[string]string{"a": strings.Repeat("x", 10000), "b": "y"}
	if err := NewConn(nil, &whole).Send(value); err != nil {
		t.Fatal(err)
	}
	body := whole.Bytes()[4:]
	for _, cut := range [][][]byte{{body}, {body[:5], body[5:]}, {body[:6000], nil, body[6000:]}} {
		parts.Reset()
		if err := NewConn(nil, &parts).SendEncoded(cut...); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(parts.Bytes(), whole.Bytes()) {
			t.Errorf("in %d parts it is another frame", len(cut))
		}
	}
}

func TestBrokenFrames(t *testing.T) {
	for input, want := range map[string]string{
		"\x00\x00":                    "unexpected EOF",
		"\x00\x00\x00\x05ab":          "unexpected EOF",
		"\x00\x00\x00\x05":            "unexpected EOF",
		"\xff\xff\xff\xff":            "cannot read a message: its length of 4294967295 bytes cannot be right",
		"\x00\x00\x00\x02{]":          "cannot read a message: invalid character",
		"\x00\x00\x00\x09{\"seq\":{}": "cannot read a message: unexpected end of JSON input",
	} {
		err := NewConn(strings.NewReader(input), nil).Receive(&Request{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: expected %q, got %v", input, want, err)
		}
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02{}"))
	f.Add([]byte("\x00\x00\x00\x0a{\"seq\":1}\n\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		conn := NewConn(bytes.NewReader(input), nil)
		for {
			var response Response
			err := conn.Receive(&response)
			if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
				return
			}
			if err != nil && !strings.HasPrefix(err.Error(), "cannot read a message: ") {
				t.Fatal(err)
			}
			if err != nil && strings.Contains(err.Error(), "its length of ") {
				return
			}
		}
	})
}
