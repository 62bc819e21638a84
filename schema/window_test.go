package schema

import (
	"strings"
	"testing"
)

func TestParseWindow(t *testing.T) {
	for text, want := range map[string]Window{
		"Sun 02:00-04:00":        {Days: [7]bool{0: true}, Start: 120, End: 240},
		"02:00-04:30":            {Days: [7]bool{true, true, true, true, true, true, true}, Start: 120, End: 270},
		"Mon-Fri 22:00-04:00":    {Days: [7]bool{1: true, 2: true, 3: true, 4: true, 5: true}, Start: 1320, End: 240},
		"Sat 22:00-24:00":        {Days: [7]bool{6: true}, Start: 1320, End: 1440},
		"00:00-24:00":            {Days: [7]bool{true, true, true, true, true, true, true}, Start: 0, End: 1440},
		"Sat-Mon 00:00-23:59":    {Days: [7]bool{6: true, 0: true, 1: true}, Start: 0, End: 1439},
		"Wed,Sat-Sun 1:00-2:00x": {},
		"Wed,Sat-Sun 01:00-02:00": {
			Days: [7]bool{3: true, 6: true, 0: true}, Start: 60, End: 120,
		},
	} {
		found, err := ParseWindow(text)
		if wanted := want != (Window{}); wanted != (err == nil) || found != want {
			t.Errorf("%q is %+v, %v; want %+v", text, found, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                `"" is not a window: it has no end; expected one as "Sun 02:00-04:00"`,
		"Sun":             "it has no end",
		"Sunday 1-2":      `"Sunday" names no days`,
		"Sun 24:00-02:00": `"24:00" is no time of the day`,
		"Sun 02:00-24:01": `"24:01" is no time of the day`,
		"Sun 2:00-04:00":  `"2:00" is no time of the day`,
		"Sun 02:00-02:00": "it ends when it begins",
		"Sun- 02:00-2:00": `"Sun-" names no days`,
	} {
		if _, err := ParseWindow(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %s", text, err, want)
		}
	}
}

func FuzzParseWindow(f *testing.F) {
	f.Add("Mon-Fri 22:00-04:00")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ParseWindow(text)
		if err == nil && (w.Start == w.End || w.Days == [7]bool{} || w.Start >= 24*60 || w.End > 24*60) {
			t.Errorf("%q is %+v", text, w)
		}
	})
}
