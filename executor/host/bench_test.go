package host

import (
	"fmt"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// BenchmarkUnchanged is a session on a host that is as it should be: 20 files,
// 3 units, an account, and a closure of 1,000 paths.
func BenchmarkUnchanged(b *testing.B) {
	w := newWorld(b)
	i := webHost()
	for n := range 20 {
		i.files = append(i.files, file(fmt.Sprintf("/etc/web/f%02d", n), "content"))
	}
	w.install()
	i.closure = closure()
	for n := range 1000 {
		path := schema.StorePath(fmt.Sprintf("/nix/store/%032d-package", n))
		i.closure = append(i.closure, schema.PathEntry{Path: path, PathInfo: schema.PathInfo{NarHash: emptyFile, References: []schema.StorePath{}}})
		w.write(string(path), "", 0o444)
		w.registry[path] = emptyFile
	}
	p := i.plan(b)
	if _, err := w.execute(p); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		hello, err := w.connect().hello(p)
		if err != nil || !hello.Unchanged {
			b.Fatalf("found %+v, %v", hello, err)
		}
	}
}
