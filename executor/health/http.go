package health

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// bodyLimit is how much of an answer is looked at.
const bodyLimit = 1 << 20

// fetch asks once with HTTP/1.1. A redirection is an answer like any other: it is not
// followed. This is written out because net/http is much for one GET, and the helper
// travels to every host.
func (a Asker) fetch(ctx context.Context, c *schema.HealthCheck) error {
	where, err := url.Parse(c.URL)
	if err != nil {
		return err
	}
	pattern, err := regexp.Compile(c.Body)
	if err != nil {
		return err
	}
	conn, err := a.connect(ctx, where)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	status, body, err := get(conn, where)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", where.Redacted(), err)
	case status != c.Status:
		return fmt.Errorf("%s answered with status %d instead of %d", where.Redacted(), status, c.Status)
	case c.Body != "" && !pattern.Match(body):
		return fmt.Errorf("%s answered something that does not match %q: %q", where.Redacted(), c.Body, body[:min(len(body), 200)])
	}
	return nil
}

func (a Asker) connect(ctx context.Context, where *url.URL) (net.Conn, error) {
	port := where.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[where.Scheme]
	}
	conn, err := a.Dial(ctx, "tcp", net.JoinHostPort(where.Hostname(), port))
	if err != nil || where.Scheme != "https" {
		return conn, err
	}
	secure := tls.Client(conn, &tls.Config{ServerName: where.Hostname(), MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s: %w", where.Redacted(), err)
	}
	return secure, nil
}

func get(conn net.Conn, where *url.URL) (status int, body []byte, err error) {
	request := "GET " + where.RequestURI() + " HTTP/1.1\r\nHost: " + where.Host + "\r\nUser-Agent: nixfleet\r\nAccept: */*\r\nConnection: close\r\n"
	if where.User != nil {
		password, _ := where.User.Password()
		request += "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(where.User.Username()+":"+password)) + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return 0, nil, err
	}
	r := bufio.NewReader(io.LimitReader(conn, 2*bodyLimit))
	for {
		status, header, err := readHead(textproto.NewReader(r))
		if err != nil {
			return 0, nil, err
		}
		if status >= 200 { // before, there is more to come
			body, err = readBody(r, header)
			return status, body, err
		}
	}
}

func readHead(r *textproto.Reader) (status int, header textproto.MIMEHeader, err error) {
	line, err := r.ReadLine()
	if err != nil {
		return 0, nil, whole(err)
	}
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err = strconv.Atoi(code)
	if !strings.HasPrefix(version, "HTTP/1.") || err != nil {
		return 0, nil, fmt.Errorf("that is no answer of HTTP: %.80q", line)
	}
	header, err = r.ReadMIMEHeader()
	return status, header, whole(err)
}

func readBody(r *bufio.Reader, header textproto.MIMEHeader) ([]byte, error) {
	if strings.EqualFold(header.Get("Transfer-Encoding"), "chunked") {
		return readChunks(r)
	}
	if length := header.Get("Content-Length"); length != "" {
		n, err := strconv.ParseInt(length, 10, 64)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("its length is %q", length)
		}
		body := make([]byte, min(n, bodyLimit))
		_, err = io.ReadFull(r, body)
		return body, whole(err)
	}
	return io.ReadAll(io.LimitReader(r, bodyLimit))
}

func readChunks(r *bufio.Reader) (body []byte, err error) {
	lines := textproto.NewReader(r)
	for {
		line, err := lines.ReadLine()
		if err != nil {
			return nil, whole(err)
		}
		size, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 64)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("it has a chunk of the size %.20q", line)
		}
		if n == 0 {
			return body, nil
		}
		chunk := make([]byte, min(n, bodyLimit-int64(len(body))))
		if _, err := io.ReadFull(r, chunk); err != nil {
			return nil, whole(err)
		}
		if body = append(body, chunk...); len(body) == bodyLimit {
			return body, nil
		}
		if _, err := lines.ReadLine(); err != nil {
			return nil, whole(err)
		}
	}
}

// whole says of an answer that ends early what it is.
func whole(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the answer is cut off")
	}
	return err
}
