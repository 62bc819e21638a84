package narsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
)

// web is a binary cache on a web server. Its errors never show a password that
// stands in the URL.
type web struct {
	base   *url.URL
	client *http.Client
}

func openWeb(spec string) (Source, error) {
	base, err := url.Parse(spec)
	if err != nil || base.Host == "" {
		return nil, fault.New(fault.Refused, "cannot read the closure source: it is not a URL of a web server")
	}
	base.Path = strings.TrimSuffix(base.Path, "/") + "/"
	base.RawQuery = "" // Nix's settings such as ?priority=10
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = time.Minute
	transport.MaxIdleConnsPerHost = 8
	transport.DisableCompression = true // a NAR is compressed as its narinfo says
	return openCache(base.Redacted(), &web{base: base, client: &http.Client{Transport: transport}})
}

const webAttempts = 3

func (w *web) open(ctx context.Context, name string) (io.ReadCloser, error) {
	for attempt := 1; ; attempt++ {
		body, retry, err := w.get(ctx, name)
		if err == nil || !retry || attempt == webAttempts {
			return body, err
		}
		select {
		case <-time.After(time.Duration(attempt) * time.Second):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (w *web) get(ctx context.Context, name string) (body io.ReadCloser, retry bool, err error) {
	ref, err := url.Parse(name)
	if err != nil {
		return nil, false, fmt.Errorf("cannot read the URL %q", name)
	}
	address := w.base.ResolveReference(ref)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, false, fmt.Errorf("cannot read the URL %q", name)
	}
	request.Header.Set("User-Agent", "nixfleet")
	response, err := w.client.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, ctx.Err() == nil, fmt.Errorf("GET %s: %w", address.Redacted(), err)
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, false, nil
	}
	response.Body.Close()
	switch response.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return nil, false, fmt.Errorf("GET %s: %w", address.Redacted(), fs.ErrNotExist)
	case http.StatusForbidden: // what S3 says of an object that is not there
		return nil, false, fmt.Errorf("GET %s: %w (%s)", address.Redacted(), fs.ErrNotExist, response.Status)
	}
	return nil, response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests,
		fmt.Errorf("GET %s: %s", address.Redacted(), response.Status)
}

func (w *web) near() bool { return false }
func (w *web) close()     { w.client.CloseIdleConnections() }
