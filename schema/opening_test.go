package schema_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"github.com/nixfleet/nixfleet/schema"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	location, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

func windows(t interface{ Fatal(...any) }, text string) schema.Windows {
	if text == "" {
		return nil
	}
	parsed, err := schema.ParseWindows(strings.Split(text, "; "))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestNextOpening holds openings, in UTC, against what clocks show. In Berlin they go
// from 02:00 to 03:00 on Sun 2026-03-29 and from 03:00 back to 02:00 on Sun 2026-10-25.
func TestNextOpening(t *testing.T) {
	for _, c := range []struct{ zone, windows, at, start, end string }{
		// Ordinary weeks: before, in, at the end of, over midnight, several.
		{"Europe/Berlin", "Sun 02:00-04:00", "2026-01-07 12:00", "2026-01-11 01:00", "2026-01-11 03:00"},
		{"Europe/Berlin", "Sun 02:00-04:00", "2026-01-11 01:00", "2026-01-11 01:00", "2026-01-11 03:00"},
		{"Europe/Berlin", "Sun 02:00-04:00", "2026-01-11 02:59", "2026-01-11 01:00", "2026-01-11 03:00"},
		{"Europe/Berlin", "Sun 02:00-04:00", "2026-01-11 03:00", "2026-01-18 01:00", "2026-01-18 03:00"},
		{"UTC", "Mon-Fri 22:00-04:00", "2026-01-10 03:59", "2026-01-09 22:00", "2026-01-10 04:00"},
		{"UTC", "Mon-Fri 22:00-04:00", "2026-01-10 04:00", "2026-01-12 22:00", "2026-01-13 04:00"},
		{"UTC", "Sat 23:00-00:00", "2026-01-07 00:00", "2026-01-10 23:00", "2026-01-11 00:00"},
		{"UTC", "Sat 22:00-24:00", "2026-01-07 00:00", "2026-01-10 22:00", "2026-01-11 00:00"},
		{"UTC", "Sat 22:00-24:00; Sun 00:00-02:00", "2026-01-11 00:00", "2026-01-10 22:00", "2026-01-11 02:00"},
		{"UTC", "Sun 00:00-24:00", "2026-01-11 23:59", "2026-01-11 00:00", "2026-01-12 00:00"},
		{"UTC", "02:00-04:00", "2026-02-28 05:00", "2026-03-01 02:00", "2026-03-01 04:00"},
		{"UTC", "Sun 02:00-04:00; Wed 03:00-03:30", "2026-01-06 00:00", "2026-01-07 03:00", "2026-01-07 03:30"},
		{"UTC", "Sun 02:00-04:00; Sun 03:00-05:00", "2026-01-11 04:30", "2026-01-11 02:00", "2026-01-11 05:00"},
		{"UTC", "Sat 22:00-00:00; Sun 00:00-02:00; Sun 03:00-04:00", "2026-01-10 23:00", "2026-01-10 22:00", "2026-01-11 02:00"},
		{"UTC", "Sun 02:00-02:30; Sun 02:00-05:00; Sun 02:00-03:00", "2026-01-11 02:00", "2026-01-11 02:00", "2026-01-11 05:00"},
		{"America/New_York", "Sun 02:00-04:00", "2026-01-11 02:00", "2026-01-11 07:00", "2026-01-11 09:00"},
		{"Asia/Kathmandu", "Sun 02:00-04:00", "2026-01-09 00:00", "2026-01-10 20:15", "2026-01-10 22:15"},

		// Clocks go forward: 02:00-03:00 is left out.
		{"Europe/Berlin", "Sun 02:00-04:00", "2026-03-28 12:00", "2026-03-29 01:00", "2026-03-29 02:00"},
		{"Europe/Berlin", "Sun 02:30-04:00", "2026-03-28 12:00", "2026-03-29 01:00", "2026-03-29 02:00"},
		{"Europe/Berlin", "Sun 01:00-02:30", "2026-03-28 12:00", "2026-03-29 00:00", "2026-03-29 01:00"},
		{"Europe/Berlin", "Sun 02:00-03:00", "2026-03-28 12:00", "2026-04-05 00:00", "2026-04-05 01:00"},
		{"Europe/Berlin", "Sun 02:10-02:50", "2026-03-29 00:59", "2026-04-05 00:10", "2026-04-05 00:50"},
		{"Europe/Berlin", "Sat 22:00-04:00", "2026-03-28 12:00", "2026-03-28 21:00", "2026-03-29 02:00"},
		{"Europe/Berlin", "Sun 00:00-24:00", "2026-03-28 12:00", "2026-03-28 23:00", "2026-03-29 22:00"},

		// Clocks go back: 02:00-03:00 comes twice, and is meant the first time.
		{"Europe/Berlin", "Sun 02:00-04:00", "2026-10-24 12:00", "2026-10-25 00:00", "2026-10-25 03:00"},
		{"Europe/Berlin", "Sun 02:00-03:00", "2026-10-24 12:00", "2026-10-25 00:00", "2026-10-25 02:00"},
		{"Europe/Berlin", "Sun 02:15-02:45", "2026-10-24 12:00", "2026-10-25 00:15", "2026-10-25 00:45"},
		{"Europe/Berlin", "Sun 02:15-02:45", "2026-10-25 01:15", "2026-11-01 01:15", "2026-11-01 01:45"},
		{"Europe/Berlin", "Sun 01:00-02:30", "2026-10-24 12:00", "2026-10-24 23:00", "2026-10-25 00:30"},
		{"Europe/Berlin", "Sat 22:00-04:00", "2026-10-24 12:00", "2026-10-24 20:00", "2026-10-25 03:00"},
		{"Europe/Berlin", "Sun 00:00-24:00", "2026-10-24 12:00", "2026-10-24 22:00", "2026-10-25 23:00"},

		// Where the change is at midnight, of half an hour, and of a whole day.
		{"America/Santiago", "Sat 22:00-24:00", "2026-09-05 12:00", "2026-09-06 02:00", "2026-09-06 04:00"},
		{"America/Santiago", "Sun 00:00-02:00", "2026-09-05 12:00", "2026-09-06 04:00", "2026-09-06 05:00"},
		{"Australia/Lord_Howe", "Sun 02:00-03:00", "2026-10-03 12:00", "2026-10-03 15:30", "2026-10-03 16:00"},
		{"Pacific/Apia", "Fri 02:00-04:00", "2011-12-29 00:00", "2012-01-05 12:00", "2012-01-05 14:00"},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", c.at, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		o := windows(t, c.windows).Next(at, zone(t, c.zone))
		start, end := o.Start.UTC().Format("2006-01-02 15:04"), o.End.UTC().Format("2006-01-02 15:04")
		if start != c.start || end != c.end {
			t.Errorf("%s in %s at %s: expected %s to %s, found %s to %s", c.windows, c.zone, c.at, c.start, c.end, start, end)
		}
		if open := windows(t, c.windows).Contains(at, zone(t, c.zone)); open != (c.start <= c.at) {
			t.Errorf("%s in %s at %s: open is %v", c.windows, c.zone, c.at, open)
		}
	}
	if o := windows(t, "").Next(time.Now(), time.UTC); o != (schema.Opening{}) || !windows(t, "").Contains(time.Now(), time.UTC) {
		t.Errorf("no windows are %v", o)
	}
}

// TestOpeningsFollowTheClock walks a year by quarters of an hour: outside of the
// hours around a change of the clocks a window is open exactly when they show it.
func TestOpeningsFollowTheClock(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu"}
	rapid.Check(t, func(t *rapid.T) {
		berlin := zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		w := schema.Window{Start: 15 * rapid.IntRange(0, 95).Draw(t, "start"), End: 15 * rapid.IntRange(0, 96).Draw(t, "end")}
		if w.Start == w.End {
			t.Skip("no window")
		}
		w.Days[rapid.IntRange(0, 6).Draw(t, "day")] = true
		w.Days[rapid.IntRange(0, 6).Draw(t, "other day")] = true
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 365*96).Draw(t, "quarter")) * 15 * time.Minute)
		open := schema.Windows{w}.Contains(at, berlin)
		next := schema.Windows{w}.Next(at, berlin)
		if next.End.Sub(next.Start) <= 0 || next.End.Before(at) || next.Start.Sub(at) > 15*24*time.Hour {
			t.Fatalf("the opening after %s is %v", at, next)
		}
		if changes(at, berlin) {
			return
		}
		if want := shows(w, at.In(berlin)); open != want {
			t.Fatalf("%+v at %s: open is %v", w, at.In(berlin), open)
		}
	})
}

// changes reports whether clocks change within a day of a moment.
func changes(t time.Time, zone *time.Location) bool {
	_, before := t.Add(-25 * time.Hour).In(zone).Zone()
	_, after := t.Add(25 * time.Hour).In(zone).Zone()
	return before != after
}

// shows reports whether a clock on the wall shows a time of a window.
func shows(w schema.Window, t time.Time) bool {
	minute := t.Hour()*60 + t.Minute()
	today, yesterday := w.Days[t.Weekday()], w.Days[(t.Weekday()+6)%7]
	if w.Start < w.End {
		return today && minute >= w.Start && minute < w.End
	}
	return today && minute >= w.Start || yesterday && minute < w.End
}
