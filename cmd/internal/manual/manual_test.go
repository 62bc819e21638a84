package manual

import (
	"testing"

	"github.com/urfave/cli/v2"
)

func TestPages(t *testing.T) {
	app := &cli.App{
		Name: "fleet", Usage: `what "it" does`, Version: "1.0", HideHelp: true, HideVersion: true, Description: "Begins.\n\n   typed as it is",
		Commands: []*cli.Command{
			{Name: "help"},
			{Name: "hidden", Hidden: true},
			{
				Name: "go", Usage: "to go", ArgsUsage: "WHERE", Flags: []cli.Flag{&cli.StringFlag{Name: "far", Aliases: []string{"f"}, Usage: "so `FAR`", Value: "1"}},
				Description: "Goes,\n.on\n'and\\on.\n\nExit status: 0 it is there.\n\nExamples: fleet go home\n          fleet go 'far'",
			},
		},
	}
	app.Setup()
	pages := Pages(app)
	want := []Page{{"fleet", `.TH FLEET 1 "" "1.0" "NixFleet"
.SH NAME
fleet \- what "it" does
.SH SYNOPSIS
.PP
.nf
fleet COMMAND [OPTIONS] [ARGUMENTS]
.fi
.SH DESCRIPTION
.PP
Begins.
.PP
.nf
   typed as it is
.fi
.SH COMMANDS
.TP
\fBfleet\-go(1)\fR
to go
`}, {"fleet-go", `.TH FLEET\-GO 1 "" "1.0" "NixFleet"
.SH NAME
fleet\-go \- to go
.SH SYNOPSIS
.PP
.nf
fleet go [OPTIONS] WHERE
.fi
.SH DESCRIPTION
.PP
Goes,
\&.on
\(aqand\eon.
.SH EXIT STATUS
.PP
0 it is there.
.SH EXAMPLES
.PP
.nf
fleet go home
fleet go \(aqfar\(aq
.fi
.SH OPTIONS
.TP
\fB\-\-far FAR, \-f FAR\fR
so FAR (default: "1")
.SH SEE ALSO
.PP
fleet(1)
`}}
	if len(pages) != 2 {
		t.Fatalf("found %d pages", len(pages))
	}
	for i := range want {
		if pages[i] != want[i] {
			t.Errorf("expected\n%s\nfound\n%s", want[i].Text, pages[i].Text)
		}
	}
}
