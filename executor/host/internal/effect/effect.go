// Package effect marks the points at which the helper changes something outside
// of its memory, so that a test can crash it there, and tells what has become
// durable, so that a test can forget the rest.
package effect

// Fault is called before and after each effect with its name. An error stands
// for a crash at that point. It is nil outside of tests.
type Fault func(point string) error

// Do carries out one effect.
func (f Fault) Do(name string, do func() error) error {
	if f == nil {
		return do()
	}
	if err := f("before " + name); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return f("after " + name)
}

// Synced tells that a file's content, or a directory's entries, are on the disk.
// The path is the host's.
func (f Fault) Synced(path string) {
	if f != nil {
		_ = f("synced " + path) // no point at which anything crashes
	}
}
