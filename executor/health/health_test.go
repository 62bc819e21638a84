package health

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

func check(kind schema.CheckKind, change func(*schema.HealthCheck)) schema.HealthCheck {
	c := schema.HealthCheck{Name: "web", Kind: kind, From: schema.OnHost, StartDelay: "0s", Interval: "5ms", Timeout: "30s", Status: 200}
	if change != nil {
		change(&c)
	}
	return c
}

func asker() Asker {
	return Asker{Place: schema.OnHost, Address: "127.0.0.1", Dial: (&net.Dialer{}).DialContext}
}

func ask(a Asker, c schema.HealthCheck) (string, []string) {
	var notes []string
	err := a.Ask(context.Background(), []schema.HealthCheck{c}, func(note string) { notes = append(notes, note) })
	if err == nil {
		return "", notes
	}
	return err.Error(), notes
}

func wants(t *testing.T, found string, parts ...string) {
	t.Helper()
	if len(parts) == 0 && found != "" {
		t.Errorf("expected all to be well, found %s", found)
	}
	for _, part := range parts {
		if !strings.Contains(found, part) {
			t.Errorf("expected %q in %q", part, found)
		}
	}
}

func TestHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/chunked":
			for range 3 {
				fmt.Fprint(w, "piece ")
				w.(http.Flusher).Flush()
			}
		case "/early":
			w.WriteHeader(http.StatusEarlyHints)
			fmt.Fprint(w, "late")
		case "/large":
			fmt.Fprint(w, strings.Repeat("x", 3<<20))
		case "/away":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/none":
			w.WriteHeader(http.StatusNoContent)
		case "/secret":
			if _, password, _ := r.BasicAuth(); password != "sesame" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		case "/cut":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "short")
		case "/slow":
			<-r.Context().Done()
		case "/query":
			fmt.Fprint(w, r.URL.RawQuery, r.Host)
		case "/bad":
			http.Error(w, "no", http.StatusServiceUnavailable)
		default:
			fmt.Fprint(w, `{"status": "ok"}`)
		}
	}))
	defer server.Close()
	secret := strings.Replace(server.URL, "http://", "http://ann:sesame@", 1)
	for _, c := range []struct {
		url, body, timeout string
		status             int
		says               []string
	}{
		{url: server.URL},
		{url: server.URL + "/health?a=b#c", body: `"status": *"ok"`},
		{url: server.URL + "/query?a=b", body: `^a=b127\.0\.0\.1:\d+$`},
		{url: server.URL + "/chunked", body: "^piece piece piece $"},
		{url: server.URL + "/early", body: "^late$"},
		{url: server.URL + "/large", body: "x"},
		{url: server.URL + "/none", status: 204},
		{url: server.URL + "/away", status: 302},
		{url: secret + "/secret"},
		{url: server.URL + "/", body: "bad", says: []string{`does not match "bad": "{\"status\": \"ok\"}"`}},
		{url: server.URL + "/bad", says: []string{`health check "web" failed, asked once from the host: http://127.0.0.1:`, "/bad answered with status 503 instead of 200"}},
		{url: server.URL + "/away", says: []string{"status 302 instead of 200"}},
		{url: server.URL + "/cut", body: "short", says: []string{"the answer is cut off"}},
		{url: server.URL + "/slow", timeout: "50ms", says: []string{"/slow has not answered after 50ms"}},
		{url: "http://127.0.0.1:1/", says: []string{"connection refused"}},
		{url: strings.Replace(server.URL, "http", "https", 1), says: []string{"tls: "}},
	} {
		found, _ := ask(asker(), check(schema.CheckHTTP, func(h *schema.HealthCheck) {
			h.URL, h.Body = c.url, c.body
			if c.status != 0 {
				h.Status = c.status
			}
			if c.timeout != "" {
				h.Timeout = c.timeout
			}
		}))
		t.Log(c.url)
		wants(t, found, c.says...)
	}
}

// A certificate that nobody vouches for is no answer.
func TestTLSIsVerified(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	where, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, err = asker().connect(context.Background(), where)
	if unknown := new(x509.UnknownAuthorityError); !errors.As(err, unknown) {
		t.Errorf("found %v", err)
	}
}

func TestPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := check(schema.CheckTCP, func(c *schema.HealthCheck) { c.Port = listener.Addr().(*net.TCPAddr).Port })
	found, _ := ask(asker(), c)
	wants(t, found)
	listener.Close()
	found, _ = ask(asker(), c)
	wants(t, found, "connection refused")
}

// A check is asked again, after its delay and with its pauses, and no more than the plan says.
func TestPatience(t *testing.T) {
	var asked atomic.Int32
	a := asker()
	a.Shell = func(ctx context.Context, line string) ([]byte, error) {
		if asked.Add(1) < 4 {
			return []byte("not\nyet\n"), errors.New("exit status 1")
		}
		return nil, nil
	}
	c := check(schema.CheckCommand, func(c *schema.HealthCheck) {
		c.Command, c.Retries, c.StartDelay, c.Interval = "ready", 3, "20ms", "10ms"
	})
	begun := time.Now()
	found, notes := ask(a, c)
	wants(t, found)
	if took := time.Since(begun); asked.Load() != 4 || took < 50*time.Millisecond {
		t.Errorf("asked %d times in %s", asked.Load(), took)
	}
	if len(notes) != 1 || notes[0] != `health check "web": "ready": exit status 1; retrying, 2 tries left` {
		t.Errorf("notes %q", notes)
	}
	asked.Store(2) // one wrong answer is not worth a line: a service may still be starting
	if found, notes := ask(a, c); len(found)+len(notes) > 0 {
		t.Errorf("found %q, notes %q", found, notes)
	}
	asked.Store(-10)
	found, _ = ask(a, c)
	wants(t, found, `health check "web" failed, asked 4 times from the host: "ready": exit status 1`, "the last lines of its output:\n    not\n    yet")
	if Longest([]schema.HealthCheck{c}) != 20*time.Millisecond+4*(30*time.Second+10*time.Millisecond) {
		t.Errorf("longest %s", Longest([]schema.HealthCheck{c}))
	}
}

// A unit that ends again and again is active in between, and not well.
func TestUnit(t *testing.T) {
	restarts := uint32(0)
	state := Unit{Active: true, State: "active (running)", Invocation: "1"}
	a := asker()
	a.Unit = func(context.Context, schema.UnitName) (Unit, error) {
		state.Restarts += restarts
		return state, nil
	}
	c := check(schema.CheckUnit, func(c *schema.HealthCheck) { c.Unit = "web.service" })
	found, _ := ask(a, c)
	wants(t, found)
	restarts = 1
	found, _ = ask(a, c)
	wants(t, found, "web.service is restarting")
	state.Active, state.State = false, "activating (auto-restart)"
	found, _ = ask(a, c)
	wants(t, found, "web.service is activating (auto-restart)")
}

// What is asked elsewhere is not asked here, and what is wrong is told together.
func TestSeveral(t *testing.T) {
	a := asker()
	a.Shell = func(_ context.Context, line string) ([]byte, error) { return nil, errors.New(line + " says no") }
	named := func(name string, from schema.Place) schema.HealthCheck {
		return check(schema.CheckCommand, func(c *schema.HealthCheck) { c.Name, c.Command, c.From = name, name, from })
	}
	err := a.Ask(context.Background(), []schema.HealthCheck{named("a", schema.OnHost), named("b", schema.OnController), named("c", schema.OnHost)}, func(string) {})
	wants(t, err.Error(), "a says no\n", "c says no")
	if strings.Contains(err.Error(), "b says") {
		t.Error("asked what is asked elsewhere")
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("it was told to stop"))
	wants(t, a.Ask(ctx, []schema.HealthCheck{named("a", schema.OnHost)}, func(string) {}).Error(), `health check "a" was cut short: it was told to stop`)
}
