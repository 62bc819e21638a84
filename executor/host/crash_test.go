package host

import "errors"

var errCrash = errors.New("the helper was killed")

// crashAt lets everything fail from the nth effect on, as if the helper had been
// killed there: it can do nothing any more, not even say so. With n = 0 it only counts.
func (w *world) crashAt(n int) (count *int) {
	count = new(int)
	w.deps.Fault = func(string) error {
		*count++
		if n > 0 && *count >= n {
			return errCrash
		}
		return nil
	}
	w.systemd.fault = w.deps.Fault
	return count
}

func (w *world) heal() {
	w.deps.Fault, w.systemd.fault = nil, nil
}
