package status

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// metric is one family of gauges, with what one host adds to it.
type metric struct {
	name, help string
	samples    func(add func(value float64, labels ...string), h schema.HostStatus)
}

// metrics are all families. A host that could not be asked has only the first three.
var metrics = []metric{
	{"host_seen", "Whether the host could be asked.", func(add func(float64, ...string), h schema.HostStatus) {
		add(truth(h.Observation != nil))
	}},
	{"host_condition", "1 for the condition that the host is in, 0 for the others.", func(add func(float64, ...string), h schema.HostStatus) {
		for _, condition := range slices.Backward(order) {
			add(truth(h.Condition == condition), "condition", string(condition))
		}
	}},
	{"host_answer_seconds", "How long the host took to answer.", func(add func(float64, ...string), h schema.HostStatus) {
		add(h.Seconds)
	}},
	{"host_applied_timestamp_seconds", "When the host was applied last.", whenApplied(func(a *schema.Applied) float64 { return float64(a.At.Unix()) })},
	{"host_generation", "The generation in effect.", whenApplied(func(a *schema.Applied) float64 { return float64(a.Generation) })},
	{"host_as_planned", "Whether the host is as the plan says that it was compared with.", func(add func(float64, ...string), h schema.HostStatus) {
		if h.AsPlanned != nil {
			add(truth(*h.AsPlanned))
		}
	}},
	{"host_drifted_objects", "How many managed objects are not as they were applied.", whenSeen(func(o *schema.Observation) float64 { return float64(len(o.Drift)) })},
	{"host_units", "How many managed units are enabled.", whenSeen(func(o *schema.Observation) float64 { return float64(len(o.Units)) })},
	{"host_unit_unwell", "1 for each enabled unit that failed or does not run.", func(add func(float64, ...string), h schema.HostStatus) {
		if h.Observation == nil {
			return
		}
		for _, u := range h.Observation.Units {
			add(truth(u.Unwell != ""), "unit", string(u.Name))
		}
	}},
	{"host_change_unfinished", "Whether a change began and has not come to its end.", whenSeen(func(o *schema.Observation) float64 { return truth(o.Unfinished != nil) })},
	{"host_reboot_needed", "Whether a reboot is needed.", whenSeen(func(o *schema.Observation) float64 { return truth(o.Reboot.Needed) })},
	{"host_os_update_timestamp_seconds", "When the operating system's packages were updated last.", func(add func(float64, ...string), h schema.HostStatus) {
		if h.Observation != nil && h.Observation.LastOSUpdate != nil {
			add(float64(h.Observation.LastOSUpdate.At.Unix()))
		}
	}},
	{"host_uptime_seconds", "How long ago the host booted.", whenSeen(func(o *schema.Observation) float64 { return float64(o.UptimeSeconds) })},
	{"host_clock_skew_seconds", "How far the host's clock is ahead.", func(add func(float64, ...string), h schema.HostStatus) {
		if h.Observation != nil {
			add(h.ClockSkewSeconds)
		}
	}},
	{"host_disk_free_bytes", "Free bytes of the file systems that NixFleet writes to.", disks(func(d schema.Disk) float64 { return float64(d.Free) })},
	{"host_disk_size_bytes", "All bytes of the file systems that NixFleet writes to.", disks(func(d schema.Disk) float64 { return float64(d.Size) })},
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func whenSeen(value func(*schema.Observation) float64) func(func(float64, ...string), schema.HostStatus) {
	return func(add func(float64, ...string), h schema.HostStatus) {
		if h.Observation != nil {
			add(value(h.Observation))
		}
	}
}

func whenApplied(value func(*schema.Applied) float64) func(func(float64, ...string), schema.HostStatus) {
	return func(add func(float64, ...string), h schema.HostStatus) {
		if h.Observation != nil && h.Observation.Applied != nil {
			add(value(h.Observation.Applied))
		}
	}
}

func disks(value func(schema.Disk) float64) func(func(float64, ...string), schema.HostStatus) {
	return func(add func(float64, ...string), h schema.HostStatus) {
		if h.Observation == nil {
			return
		}
		for _, disk := range h.Observation.Disks {
			for _, path := range disk.Paths {
				add(value(disk), "path", path)
			}
		}
	}
}

// WritePrometheus writes a status in the text format that the node exporter's
// textfile collector reads.
func WritePrometheus(w io.Writer, s *schema.Status) error {
	out := bufio.NewWriter(w)
	line := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) } // Flush has the error
	head := func(name, help string) {
		line("# HELP nixfleet_%s %s\n# TYPE nixfleet_%s gauge", name, help, name)
	}
	head("status_timestamp_seconds", "When the hosts were looked at.")
	line("%s", sample("status_timestamp_seconds", float64(s.At.Unix()), "fleet", s.Fleet))
	for _, m := range metrics {
		begun := false
		for _, name := range slices.Sorted(maps.Keys(s.Hosts)) {
			m.samples(func(value float64, labels ...string) {
				if !begun {
					head(m.name, m.help)
					begun = true
				}
				line("%s", sample(m.name, value, append([]string{"fleet", s.Fleet, "host", string(name)}, labels...)...))
			}, s.Hosts[name])
		}
	}
	return out.Flush()
}

var labelValue = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func sample(name string, value float64, labels ...string) string {
	var pairs []string
	for i := 0; i < len(labels); i += 2 {
		pairs = append(pairs, fmt.Sprintf(`%s="%s"`, labels[i], labelValue.Replace(labels[i+1])))
	}
	return "nixfleet_" + name + "{" + strings.Join(pairs, ",") + "} " + strconv.FormatFloat(value, 'f', -1, 64)
}
