package schema_test

import (
	"flag"
	"os"
	"reflect"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/internal/publish"
)

var update = flag.Bool("update", false, "write the published schemas and reference pages anew")

const generated = "<!-- Written from the Go types in schema/ by `make goldens`. -->\n\n"

func TestPublishedFormatsAreFresh(t *testing.T) {
	source, err := publish.ReadSource(".")
	if err != nil {
		t.Fatal(err)
	}
	source.Wire = map[reflect.Type]reflect.Type{
		reflect.TypeFor[schema.Hosts]():    reflect.TypeFor[[]schema.HostSet](),
		reflect.TypeFor[schema.HostList](): reflect.TypeFor[[]schema.HostRange](),
	}
	for _, f := range []struct {
		file, title, page, intro string
		root                     any
	}{
		{"plan.schema.json", "NixFleet plan", "../docs/reference/plan-format.md", planIntro, schema.Plan{}},
		{"record.schema.json", "Record of a NixFleet run", "../docs/reference/record-format.md", recordIntro, schema.Record{}},
		{"event.schema.json", "Event of a NixFleet run", "../docs/reference/event-format.md", eventIntro, schema.Event{}},
		{"journal.schema.json", "Line of the journal of a NixFleet run", "../docs/reference/journal-format.md", journalIntro, schema.Entry{}},
		{"state.schema.json", "State of a NixFleet host", "../docs/reference/state-file.md", stateIntro, schema.State{}},
	} {
		data, err := source.JSONSchema(f.title, f.root)
		if err != nil {
			t.Fatal(err)
		}
		checkFresh(t, "validate/"+f.file, string(data))
		checkFresh(t, f.page, generated+f.intro+source.Markdown(f.root))
	}
}

func checkFresh(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if found, err := os.ReadFile(file); err != nil || string(found) != want {
		t.Errorf("%s is not what the Go types say (%v); run `make goldens`", file, err)
	}
}

const planIntro = `# The plan, field by field

A plan is one JSON document. Its ` + "`digest`" + ` is the SHA-256 of ` + "`index`" + ` in the canonical form of
RFC 8785 (no white space, sorted keys). The index names each host's manifest by the
SHA-256 of *its* canonical form; a manifest names its payloads by the SHA-256 of their
bytes, and its closure by the SHA-256 of the canonical list of the closure's store paths
with their infos. So the digest covers everything, and a host can check the part that
concerns it without the rest. White space and order in the file mean nothing.

Check a digest by hand: ` + "`jq -cSj .index plan.json | sha256sum`" + ` (for texts without
characters that jq escapes otherwise).

A reader refuses a plan of another version, an unknown field, a key that stands twice, and
anything whose hash is not the one it is named by. The JSON schema is
` + "`schema/validate/plan.schema.json`" + `.
`

const recordIntro = `# The record of a run, field by field

` + "`nixfleet execute`, `rollback` and `release`" + ` keep one file a run in the state directory. It is written when the run begins
and again when it ends: a record without a verdict is of a run that was killed. The JSON schema
is ` + "`schema/validate/record.schema.json`" + `.
`

const eventIntro = `# The events of a run, field by field

With ` + "`--json`" + ` the commands that work on hosts print events to standard output, one JSON object a line, as they happen.
The first is ` + "`run-started`" + ` and has the format's version; the last is ` + "`run-finished`" + ` and has the verdict, unless the
command was killed or cut. A reader should pass over kinds and fields that it does not know: a new version of NixFleet may
bring some without another version of the format. The JSON schema of a line is ` + "`schema/validate/event.schema.json`" + `.
With ` + "`--json`" + ` nothing else is told but errors of our own, on standard error; the exit status says how it ended ([errors.md](errors.md#exit-codes)).
` + "`nixfleet run --json`" + ` prints results instead, a line a host ([run.md](../guide/run.md)).

A canary that is changed, and a host after it whose change is undone:

` + "```json" + `
{"time":"2026-03-01T10:15:00.000Z","run":"20260301-101500-k3v9qd","kind":"run-started","version":2,"digest":"sha256:67ba4b0956838f3f9c1a2791c2d07be4d7dc526b2f88bfadd6e426bbc03d55f1","hosts":2}
{"time":"2026-03-01T10:15:00.001Z","run":"20260301-101500-k3v9qd","kind":"wave-started","wave":"canary"}
{"time":"2026-03-01T10:15:00.001Z","run":"20260301-101500-k3v9qd","kind":"host-started","wave":"canary","host":"web-1"}
{"time":"2026-03-01T10:15:00.002Z","run":"20260301-101500-k3v9qd","kind":"stage","host":"web-1","stage":"connect"}
{"time":"2026-03-01T10:15:00.310Z","run":"20260301-101500-k3v9qd","kind":"stage","host":"web-1","stage":"prepare"}
{"time":"2026-03-01T10:15:00.650Z","run":"20260301-101500-k3v9qd","kind":"stage","host":"web-1","stage":"apply"}
{"time":"2026-03-01T10:15:00.940Z","run":"20260301-101500-k3v9qd","kind":"change","host":"web-1","change":{"action":"update","kind":"file","object":"/etc/nginx/nginx.conf"}}
{"time":"2026-03-01T10:15:01.100Z","run":"20260301-101500-k3v9qd","kind":"change","host":"web-1","change":{"action":"reload","kind":"unit","object":"nginx.service","detail":"because /etc/nginx/nginx.conf changed"}}
{"time":"2026-03-01T10:15:02.400Z","run":"20260301-101500-k3v9qd","kind":"host-finished","host":"web-1","outcome":"changed","seconds":2.399}
{"time":"2026-03-01T10:15:02.400Z","run":"20260301-101500-k3v9qd","kind":"wave-stage","wave":"canary","stage":"soak","until":"2026-03-01T10:20:02.400Z"}
{"time":"2026-03-01T10:20:02.401Z","run":"20260301-101500-k3v9qd","kind":"wave-stage","wave":"canary","stage":"health"}
{"time":"2026-03-01T10:20:02.700Z","run":"20260301-101500-k3v9qd","kind":"wave-finished","wave":"canary"}
{"time":"2026-03-01T10:20:02.700Z","run":"20260301-101500-k3v9qd","kind":"wave-started","wave":"rest"}
{"time":"2026-03-01T10:20:02.700Z","run":"20260301-101500-k3v9qd","kind":"host-started","wave":"rest","host":"web-2"}
{"time":"2026-03-01T10:20:06.100Z","run":"20260301-101500-k3v9qd","kind":"host-finished","host":"web-2","outcome":"rolled-back","error":"unit nginx.service failed: …","seconds":3.4}
{"time":"2026-03-01T10:20:06.100Z","run":"20260301-101500-k3v9qd","kind":"halted","wave":"rest","error":"not every host of wave rest is as the plan says"}
{"time":"2026-03-01T10:20:06.101Z","run":"20260301-101500-k3v9qd","kind":"run-finished","verdict":"failed"}
` + "```" + `

Who is not as the plan says, and why:

` + "```console" + `
$ nixfleet execute plan.json --json | jq -r 'select(.kind == "host-finished" and .error) | "\(.host): \(.outcome): \(.error | split("\n")[0])"'
web-2: rolled-back: unit nginx.service failed: …
` + "```" + `
`

const journalIntro = `# The journal of a run, field by field

` + "`nixfleet execute`" + ` keeps a journal beside each run's record, in ` + "`runs/RUN.journal`" + ` of the state directory: one JSON object a line,
appended and forced to the disk. It is what ` + "`execute --resume`" + ` goes on from. A last line that is torn, after a power
cut, is none. The JSON schema of a line is ` + "`schema/validate/journal.schema.json`" + `.
`

const stateIntro = `# The state file of a host, field by field

Each host keeps ` + "`/var/lib/nixfleet/state.json`" + `. It is replaced atomically. Before the first change
of an apply it gets ` + "`pending`" + ` and the names of all that is about to become NixFleet's, so that a
second attempt after a crash knows its own half-done work. The JSON schema is
` + "`schema/validate/state.schema.json`" + `.
`
