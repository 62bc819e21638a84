package diagnostic

import "cmp"

// identity is what two diagnostics share that differ in nothing but the host.
type identity struct {
	code                          Code
	severity                      Severity
	option, summary, detail, hint string
	position                      Position
}

func (d Diagnostic) identity() identity {
	return identity{d.Code, d.Severity, d.Option, d.Summary, d.Detail, d.Hint, d.Position}
}

func compare(a, b Diagnostic) int {
	return cmp.Or(
		cmp.Compare(a.Severity, b.Severity), // "error" before "warning"
		cmp.Compare(a.Position.File, b.Position.File),
		cmp.Compare(a.Position.Line, b.Position.Line),
		cmp.Compare(a.Position.Column, b.Position.Column),
		cmp.Compare(a.Host, b.Host),
		cmp.Compare(a.Option, b.Option),
		cmp.Compare(a.Code, b.Code),
		cmp.Compare(a.Summary, b.Summary),
		cmp.Compare(a.Detail, b.Detail),
	)
}
