package schema_test

import (
	"reflect"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/internal/publish"
)

func TestPublishedReportsAreFresh(t *testing.T) {
	source, err := publish.ReadSource(".")
	if err != nil {
		t.Fatal(err)
	}
	source.Wire = map[reflect.Type]reflect.Type{reflect.TypeFor[schema.HostList](): reflect.TypeFor[[]schema.HostRange]()}
	for _, f := range []struct {
		file, title, page, intro string
		root                     any
	}{
		{"status.schema.json", "NixFleet status", "../docs/reference/status-format.md", statusIntro, schema.Status{}},
		{"history.schema.json", "NixFleet history", "../docs/reference/history-format.md", historyIntro, schema.History{}},
		{"difference.schema.json", "NixFleet difference", "../docs/reference/difference-format.md", differenceIntro, schema.PlanDifference{}},
		{"forecast.schema.json", "NixFleet forecast", "../docs/reference/forecast-format.md", forecastIntro, schema.Forecast{}},
	} {
		data, err := source.JSONSchema(f.title, f.root)
		if err != nil {
			t.Fatal(err)
		}
		checkFresh(t, "validate/"+f.file, string(data))
		checkFresh(t, f.page, generated+f.intro+source.Markdown(f.root))
	}
}

const statusIntro = `# What ` + "`nixfleet status --json`" + ` prints, field by field

One JSON document a look; with ` + "`--watch`" + ` one a line, every time. The JSON schema is
` + "`schema/validate/status.schema.json`" + `. Fields are added without a new version; none is taken away or
gets another meaning without one. How the command is used stands in [status.md](../guide/status.md).
`

const differenceIntro = `# What ` + "`nixfleet diff --json`" + ` prints, field by field

One JSON document. It holds no time and nothing of the machine that compared, so the same two plans give the
same. Hosts stand as ranges where their numbers follow each other. The JSON schema is
` + "`schema/validate/difference.schema.json`" + `. Fields are added without a new version; none is taken away or gets
another meaning without one. How a diff is read stands in [review.md](../guide/review.md).
`

const forecastIntro = `# What ` + "`nixfleet plan --json`" + ` prints, field by field

One JSON document; ` + "`rollback`" + ` and ` + "`release`" + ` with ` + "`--dry-run --json`" + ` print the same. It holds no time and nothing of the machine that asked, so two forecasts of hosts that
are the same are equal. The JSON schema is ` + "`schema/validate/forecast.schema.json`" + `. Fields are added without a
new version; none is taken away or gets another meaning without one. How the command is used stands in
[status.md](../guide/status.md).
`

const historyIntro = `# What ` + "`nixfleet history --json`" + ` prints, field by field

One JSON document. The JSON schema is ` + "`schema/validate/history.schema.json`" + `. Fields are added without a new
version; none is taken away or gets another meaning without one. How the command is used stands in
[operations.md](../guide/operations.md).
`
