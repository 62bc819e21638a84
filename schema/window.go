package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Window is a time of the week that comes again: "Sun 02:00-04:00",
// "Mon-Fri 22:00-04:00", "Sat 22:00-24:00", "Sat,Sun 02:00-04:00", or daily
// "02:00-04:00". One that ends before it begins ends on the next day; its day is the
// one on which it opens.
//
// Times are those of the clocks of a zone. Where clocks are put forward, a time that
// they leave out is the moment at which they are; a window that lies wholly in what is
// left out does not open that day. Where they are put back, a time that comes twice is
// meant the first time. So a window opens at most once on each of its days.
type Window struct {
	// Days are the weekdays on which the window opens.
	Days [7]bool
	// Start and End are minutes after midnight; End may be before Start, and is 24 * 60
	// where it is the midnight after.
	Start, End int
}

var weekdays = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// ParseWindow reads a window as plans write it.
func ParseWindow(text string) (Window, error) {
	w, err := parseWindow(text)
	if err != nil {
		return Window{}, fmt.Errorf(`%q is not a window: %w; expected one as "Sun 02:00-04:00", "Mon-Fri 22:00-04:00" or "02:00-04:00"`, text, err)
	}
	return w, nil
}

func parseWindow(text string) (w Window, err error) {
	days, times, found := strings.Cut(text, " ")
	if !found {
		days, times = "", text
	}
	if w.Days, err = parseDays(days); err != nil {
		return w, err
	}
	start, end, ok := strings.Cut(times, "-")
	if !ok {
		return w, errors.New("it has no end")
	}
	if w.Start, err = parseMinute(start); err != nil {
		return w, err
	}
	if end == "24:00" {
		w.End = 24 * 60
	} else if w.End, err = parseMinute(end); err != nil {
		return w, err
	}
	if w.Start == w.End {
		return w, errors.New("it ends when it begins")
	}
	return w, nil
}

func parseDays(text string) (days [7]bool, err error) {
	if text == "" {
		return [7]bool{true, true, true, true, true, true, true}, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		first, last := slices.Index(weekdays, from), slices.Index(weekdays, to)
		if first < 0 || last < 0 {
			return days, fmt.Errorf("%q names no days", part)
		}
		for day := first; ; day = (day + 1) % 7 {
			days[day] = true
			if day == last {
				break
			}
		}
	}
	return days, nil
}

func parseMinute(text string) (int, error) {
	at, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, fmt.Errorf("%q is no time of the day", text)
	}
	return at.Hour()*60 + at.Minute(), nil
}
