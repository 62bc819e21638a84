package observe

import "github.com/nixfleet/nixfleet/schema"

// LastUpdate returns the last update of the operating system's packages that the
// host's records tell of; nil where they tell of none.
func LastUpdate(host Host) *schema.OSUpdateState { return lastUpdate(host) }
