package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/planview"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
	"github.com/nixfleet/nixfleet/schema/validate/validatetest"
)

func digits(d string) schema.Digest { return schema.Digest("sha256:" + strings.Repeat(d, 64)) }

func pastOf() schema.HostHistory {
	at := func(minute int) time.Time { return time.Date(2026, 3, 2, 9, minute, 0, 0, time.Local) }
	return schema.HostHistory{
		Entries: []schema.HistoryEntry{
			{At: at(5), Transaction: "r4-4", Kind: "rollback", RollbackTo: 1, Run: "r4", Operator: "ann@desk", Generation: 3, Manifest: digits("a"), Plan: digits("1"), Verdict: "applied"},
			{At: at(4), Transaction: "r3-3", Kind: "apply", Run: "r3", Operator: "ci@build\x1b[2J", Generation: 2, Manifest: digits("c"), Plan: digits("3"),
				Revision: "4b1f9e0a771234", Verdict: "rolled-back", Failure: "web.service is not well\nand more"},
			{At: at(4), Kind: "reboot", Boot: "0d2f", Run: "r2", Operator: "ann@desk", Verdict: "asked"},
			{At: at(3), Transaction: "r1-1", Kind: "apply", Run: "r1", Operator: "ann@desk", Manifest: digits("a"), Verdict: "refused", Failure: "no"},
		},
		Generations: []schema.KeptGeneration{
			{Generation: 3, InEffect: true, RollbackTo: 1, Manifest: digits("a"), Run: "r4", Operator: "ann@desk", At: at(5)},
			{Generation: 2, Manifest: digits("b"), Plan: digits("2"), Revision: "x", Run: "r2", Operator: "ann@desk", At: at(4)},
		},
	}
}

func TestHistoryAsATable(t *testing.T) {
	var out bytes.Buffer
	told := &schema.History{Hosts: map[schema.HostName]schema.HostHistory{"web-1": pastOf()}}
	if err := document.WriteText(&out, historyDocument(told), ui.Style{}); err != nil {
		t.Fatal(err)
	}
	autogold.Expect(`WHEN                 WHAT           GENERATION  PLAN            REVISION    BY               END
2026-03-02 09:05:00  rollback to 1  3           111111111111    -           ann@desk         applied
2026-03-02 09:04:00  apply          2           333333333333    4b1f9e0a77  ci@build\x1b[2J  rolled-back: web.service is not well …
2026-03-02 09:04:00  reboot         -           -               -           ann@desk         asked
2026-03-02 09:03:00  apply          -           (aaaaaaaaaaaa)  -           ann@desk         refused: no
kept generations: 3 (in effect), 2
`).Equal(t, out.String())
	out.Reset()
	told.Hosts["web-1"] = schema.HostHistory{}
	if err := document.WriteText(&out, historyDocument(told), ui.Style{}); err != nil || out.String() != "no changes recorded\n" {
		t.Errorf("of a host without a past: %q, %v", out.String(), err)
	}
}

func TestHistoryIsAsPublished(t *testing.T) {
	told := &schema.History{Kind: schema.HistoryKind, Version: schema.HistoryVersion, Fleet: "shop", Hosts: map[schema.HostName]schema.HostHistory{
		"web-1": pastOf(),
		"web-2": historyOf(executor.Seen{Host: "web-2", Err: schema.WithHint(errors.New("it is off"), "switch it on")}),
	}}
	validatetest.MustBeAsPublished(t, validate.HistorySchema, told)
	if host := told.Hosts["web-2"]; host.Error != "it is off" || host.Hint != "switch it on" {
		t.Errorf("found %+v", host)
	}
}

// What a rollback would do is told in the words of one, and as published.
func TestForecastOfAWayBack(t *testing.T) {
	told := planview.NewBack("shop", "rollback to previous")
	seen := func(back *protocol.BackReply, proposal *protocol.Proposal) executor.Seen {
		return executor.Seen{Observation: &schema.Observation{}, Back: back, Proposal: proposal}
	}
	one := &schema.KeptGeneration{Generation: 1, Operator: "ann@desk", At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Plan: digits("1")}
	change := schema.Change{Action: schema.Update, Kind: "file", Object: "/etc/x", Detail: "content"}
	told.Hosts["changes"] = planview.Back(seen(&protocol.BackReply{Generation: one}, &protocol.Proposal{Changes: []schema.Change{change}}), planview.Options{})
	told.Hosts["same"] = planview.Back(seen(&protocol.BackReply{Generation: one}, &protocol.Proposal{}), planview.Options{})
	told.Hosts["there"] = planview.Back(seen(&protocol.BackReply{Generation: one, Nothing: true}, &protocol.Proposal{}), planview.Options{})
	told.Hosts["refuses"] = planview.Back(seen(nil, &protocol.Proposal{Refusals: []protocol.Refusal{{Message: "the host does not keep the generation 9"}}}), planview.Options{})
	var out bytes.Buffer
	if err := document.WriteText(&out, planview.Document(told), ui.Style{}); err != nil {
		t.Fatal(err)
	}
	autogold.Expect(`refuses: the rollback would be refused
  refused the host does not keep the generation 9

changes: 1 change
  ~ update file /etc/x: content
  note: generation 1 comes back, which ann@desk applied at 2026-03-02T09:00:00Z, of plan 111111111111

same: another generation, without a change
  note: generation 1 comes back, which ann@desk applied at 2026-03-02T09:00:00Z, of plan 111111111111

there: nothing to do
  note: generation 1 comes back, which ann@desk applied at 2026-03-02T09:00:00Z, of plan 111111111111

4 hosts: 1 with nothing to do, 2 would change, 1 would be refused
`).Equal(t, out.String())
}
