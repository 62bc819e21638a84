package intent

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Rollout is a rollout policy; what was not declared is nil or empty.
type Rollout struct {
	MaxParallel          Amount   `json:"maxParallel"`
	Spread               []string `json:"spread"`
	Canary               Canary   `json:"canary"`
	Waves                []Amount `json:"waves"`
	Soak                 *string  `json:"soak"`
	FailureBudget        Amount   `json:"failureBudget"`
	WaveFailureBudget    Amount   `json:"waveFailureBudget"`
	OnFailure            *string  `json:"onFailure"`
	Offline              *string  `json:"offline"`
	MaxConcurrentReboots Amount   `json:"maxConcurrentReboots"`
	RebootWindow         Texts    `json:"rebootWindow"`
	// Gate is the fleet's only, After a group's only.
	Gate  *Gate    `json:"gate"`
	After []string `json:"after"`
	// At are the places of the fields that stand in Nix.
	At map[string]string `json:"at"`
}

// HostRollout is what a single host says of rollouts.
type HostRollout struct {
	RebootWindow Texts `json:"rebootWindow"`
}

// Gate is a command that is asked whether a rollout may go on.
type Gate struct {
	Command  string `json:"command"`
	Interval string `json:"interval"`
	Timeout  string `json:"timeout"`
	Retries  int    `json:"retries"`
}

// Canary says which hosts come first: so many, those with the names, or one per group
// or per value of a tag. At most one field is set.
type Canary struct {
	Amount   Amount
	Hosts    []string
	PerGroup bool
	PerTag   string
}

// Declared reports whether there is a canary at all.
func (c Canary) Declared() bool {
	return c.Amount != "" || c.Hosts != nil || c.PerGroup || c.PerTag != ""
}

// UnmarshalJSON accepts what [Amount] does, a list of names, {"onePer": "group"} and
// {"onePerTag": "zone"}.
func (c *Canary) UnmarshalJSON(data []byte) error {
	*c = Canary{}
	switch first := bytes.TrimSpace(data); {
	case bytes.HasPrefix(first, []byte("[")):
		c.Hosts = []string{}
		return json.Unmarshal(data, &c.Hosts)
	case bytes.HasPrefix(first, []byte("{")):
		var per struct {
			OnePer    string `json:"onePer"`
			OnePerTag string `json:"onePerTag"`
		}
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&per); err != nil {
			return err
		}
		if (per.OnePer == "group") == (per.OnePerTag != "") {
			return fmt.Errorf(`expected {"onePer": "group"} or {"onePerTag": TAG}, found %s`, data)
		}
		c.PerGroup, c.PerTag = per.OnePer == "group", per.OnePerTag
		return nil
	}
	return c.Amount.UnmarshalJSON(data)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (c Canary) MarshalJSON() ([]byte, error) {
	switch {
	case c.Hosts != nil:
		return json.Marshal(c.Hosts)
	case c.PerGroup:
		return []byte(`{"onePer":"group"}`), nil
	case c.PerTag != "":
		return json.Marshal(map[string]string{"onePerTag": c.PerTag})
	case c.Amount == "":
		return []byte("null"), nil
	}
	return json.Marshal(c.Amount)
}

// Amount is a number of hosts ("3") or a percentage ("10%"); empty where not declared.
type Amount string

// UnmarshalJSON accepts a number, a string or null.
func (a *Amount) UnmarshalJSON(data []byte) error {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	switch value := value.(type) {
	case nil:
		*a = ""
	case json.Number:
		*a = Amount(value)
	case string:
		*a = Amount(value)
	default:
		return fmt.Errorf("expected a number of hosts or a percentage, found %s", data)
	}
	return nil
}

// Texts is a list of texts, which may be written as a single one.
type Texts []string

// UnmarshalJSON accepts a string, a list of strings or null.
func (t *Texts) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte(`"`)) {
		*t = Texts{""}
		return json.Unmarshal(data, &(*t)[0])
	}
	return json.Unmarshal(data, (*[]string)(t))
}
