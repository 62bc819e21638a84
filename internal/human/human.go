// Package human writes values as people read them: counts, bytes, durations and
// times. It is the one place that decides on units.
package human

import (
	"fmt"
	"strings"
	"time"
)

// Count writes a number of things: "1 host", "3 hosts".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Bytes writes an amount of data in decimal units, as disks and networks are sold:
// "640 bytes", "1.5 kB", "12 MB".
func Bytes(n int64) string {
	if n < 1000 {
		return Count(int(n), "byte")
	}
	value := float64(n)
	for _, unit := range []string{"kB", "MB", "GB"} {
		value /= 1000
		switch {
		case value < 9.95:
			return fmt.Sprintf("%.1f %s", value, unit)
		case value < 999.5:
			return fmt.Sprintf("%.0f %s", value, unit)
		}
	}
	return fmt.Sprintf("%.1f TB", value/1000)
}

// Growth writes by how much something grows or shrinks: "+1.5 kB", "-12 MB".
func Growth(bytes int64) string {
	if bytes < 0 {
		return "-" + Bytes(-bytes)
	}
	return "+" + Bytes(bytes)
}

// Duration writes how long something takes: "4.2s", "41s", "1m05s", "2h10m", "3d04h".
func Duration(d time.Duration) string {
	if d < 10*time.Second {
		return max(d, 0).Round(time.Second / 10).String()
	}
	s := int(d / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 60*60:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 24*60*60:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s/3600%24)
}

// Seconds is [Duration] of a number of seconds, as events and records have it.
func Seconds(s float64) string { return Duration(time.Duration(s * float64(time.Second))) }

// Age writes how long ago something was, in its largest unit: "41s", "3m", "2h", "12d".
func Age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(max(d, 0).Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// FirstLine is the first line of a text, where there is room for one.
func FirstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// Time writes a moment in a time zone, with its day of the week, as windows have them.
func Time(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("Mon 2006-01-02 15:04 MST")
}
