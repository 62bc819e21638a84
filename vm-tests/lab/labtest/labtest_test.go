package labtest

import (
	"errors"
	"fmt"
	"testing"
)

// recorder notes what a test is told instead of obeying.
type recorder struct {
	testing.TB
	verdict string
}

func (r *recorder) Helper() {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.verdict = "fail: " + fmt.Sprintf(format, args...)
}
func (r *recorder) Skipf(format string, args ...any) {
	r.verdict = "skip: " + fmt.Sprintf(format, args...)
}

func TestJudge(t *testing.T) {
	missing := errors.New("no root")
	for _, c := range []struct {
		ready error
		env   map[string]string
		want  string
	}{
		{nil, nil, ""},
		{nil, map[string]string{"CI": "true"}, ""},
		{missing, nil, "skip: this test needs a lab: no root"},
		{missing, map[string]string{"CI": "false"}, "skip: this test needs a lab: no root"},
		{missing, map[string]string{"CI": "true"}, "fail: this test needs a lab: no root"},
		{missing, map[string]string{"NIXFLEET_LAB": "required"}, "fail: this test needs a lab: no root"},
	} {
		r := &recorder{TB: t}
		judge(r, c.ready, func(name string) string { return c.env[name] })
		if r.verdict != c.want {
			t.Errorf("ready: %v, environment: %v: got %q, want %q", c.ready, c.env, r.verdict, c.want)
		}
	}
}
