package schema

import (
	"slices"
	"time"
)

// Windows are the times at which something may happen. Where there are none, it may
// at any time.
type Windows []Window

// ParseWindows reads windows as plans write them.
func ParseWindows(texts []string) (Windows, error) {
	var windows Windows
	for _, text := range texts {
		w, err := ParseWindow(text)
		if err != nil {
			return nil, err
		}
		windows = append(windows, w)
	}
	return windows, nil
}

// Opening is a time during which a window is open: from Start on, and no more at End.
// The zero value is open always.
type Opening struct{ Start, End time.Time }

// Contains reports whether a moment is in the opening.
func (o Opening) Contains(t time.Time) bool {
	return o == Opening{} || !t.Before(o.Start) && t.Before(o.End)
}

// Contains reports whether any of the windows is open at a moment.
func (ws Windows) Contains(t time.Time, zone *time.Location) bool {
	return ws.Next(t, zone).Contains(t)
}

// Next returns the opening that a moment is in or, where it is in none, the next one.
// Windows that overlap or follow each other without a gap are one opening.
func (ws Windows) Next(t time.Time, zone *time.Location) Opening {
	var next Opening
	for _, o := range ws.around(t, zone) {
		switch {
		case next == (Opening{}) || next.End.Before(o.Start) && !next.End.After(t):
			next = o
		case next.End.Before(o.Start):
			return next
		case o.End.After(next.End):
			next.End = o.End
		}
	}
	return next
}

// lookAhead is in days: the next week, and one more where clocks leave a window out.
const lookAhead = 15

// around returns all openings that begin from the day before a moment on, by their beginning.
func (ws Windows) around(t time.Time, zone *time.Location) []Opening {
	year, month, today := t.In(zone).Date()
	var openings []Opening
	for _, w := range ws {
		for day := today - 1; day <= today+lookAhead; day++ {
			date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
			if o := w.on(date, zone); w.Days[date.Weekday()] && o.Start.Before(o.End) {
				openings = append(openings, o)
			}
		}
	}
	slices.SortFunc(openings, func(a, b Opening) int { return a.Start.Compare(b.Start) })
	return openings
}

// on returns the opening of a day, given as its midnight in UTC.
func (w Window) on(day time.Time, zone *time.Location) Opening {
	end := w.End
	if w.End < w.Start {
		end += 24 * 60
	}
	return Opening{clock(day, w.Start, zone), clock(day, end, zone)}
}

// clock returns the moment at which clocks of a zone first show a minute of a day;
// where they leave it out, the moment at which they are put forward.
func clock(day time.Time, minute int, zone *time.Location) time.Time {
	shown := day.Add(time.Duration(minute) * time.Minute) // as if the zone were UTC
	// No zone is more than a day from UTC, so these are what clocks show before and
	// after any change that could matter.
	_, before := shown.Add(-26 * time.Hour).In(zone).Zone()
	_, after := shown.Add(26 * time.Hour).In(zone).Zone()
	first := time.Time{}
	for _, offset := range []int{before, after} {
		t := shown.Add(-time.Duration(offset) * time.Second)
		if _, at := t.In(zone).Zone(); at == offset && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if first.IsZero() { // left out; by the clock of before, it would be after the change
		first, _ = shown.Add(-time.Duration(before) * time.Second).In(zone).ZoneBounds()
	}
	return first.In(zone)
}
