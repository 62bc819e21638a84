package validate

import _ "embed"

// StatusSchema is the published JSON schema of what `nixfleet status --json` prints.
//
//go:embed status.schema.json
var StatusSchema string

// ForecastSchema is the published JSON schema of what `nixfleet plan --json` prints.
//
//go:embed forecast.schema.json
var ForecastSchema string

// DifferenceSchema is the published JSON schema of what `nixfleet diff --json` prints.
//
//go:embed difference.schema.json
var DifferenceSchema string

// HistorySchema is the published JSON schema of what `nixfleet history --json` prints.
//
//go:embed history.schema.json
var HistorySchema string
