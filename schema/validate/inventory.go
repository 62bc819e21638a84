package validate

import _ "embed"

// InventorySchema is the published JSON schema of an inventory file, in YAML,
// JSON or Jsonnet.
//
//go:embed inventory.schema.json
var InventorySchema string
