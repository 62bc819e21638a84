package human

import (
	"testing"
	"time"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1.0 kB", 1024: "1.0 kB", 9949: "9.9 kB", 9950: "10 kB", 999_499: "999 kB", 999_500: "1.0 MB",
		64 << 20: "67 MB", 12_000_000_000: "12 GB", 4_200_000_000_000: "4.2 TB",
	} {
		if found := Bytes(n); found != want {
			t.Errorf("%d bytes: expected %q, found %q", n, want, found)
		}
	}
	if found := Growth(-1500) + " " + Growth(0); found != "-1.5 kB +0 bytes" {
		t.Errorf("found %q", found)
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration][2]string{
		-time.Second:             {"0s", "0s"},
		40 * time.Millisecond:    {"0s", "0s"},
		4230 * time.Millisecond:  {"4.2s", "4s"},
		9960 * time.Millisecond:  {"10s", "9s"},
		41900 * time.Millisecond: {"41s", "41s"},
		59 * time.Second:         {"59s", "59s"}, 61 * time.Second: {"1m01s", "1m"}, 90 * time.Minute: {"1h30m", "1h"}, 400 * 24 * time.Hour: {"400d00h", "400d"},
		65 * time.Second:                          {"1m05s", "1m"},
		2*time.Hour + 10*time.Minute:              {"2h10m", "2h"},
		47 * time.Hour:                            {"1d23h", "47h"},
		12*24*time.Hour + 4*time.Hour + time.Hour: {"12d05h", "12d"},
	} {
		if found := [2]string{Duration(d), Age(d)}; found != want {
			t.Errorf("%v: expected %q, found %q", d, want, found)
		}
	}
}
