package intent

// Mask is a unit of the operating system's own that shall not start.
type Mask struct {
	At string `json:"at"`
}

// HealthCheck is a question about a host. The fields of its kind are set.
type HealthCheck struct {
	Kind       string  `json:"kind"`
	From       string  `json:"from"`
	Unit       *string `json:"unit"`
	URL        *string `json:"url"`
	Status     *int    `json:"status"`
	Body       *string `json:"body"`
	Port       *int    `json:"port"`
	Command    *string `json:"command"`
	StartDelay string  `json:"startDelay"`
	Interval   string  `json:"interval"`
	Timeout    string  `json:"timeout"`
	Retries    int     `json:"retries"`
	At         string  `json:"at"`
}

// Hook is a command around activation or reboot.
type Hook struct {
	When     string `json:"when"`
	On       string `json:"on"`
	Command  string `json:"command"`
	Timeout  string `json:"timeout"`
	Required bool   `json:"required"`
	Always   bool   `json:"always"`
	At       string `json:"at"`
}

// Task is a command that an operator runs by name.
type Task struct {
	Description string            `json:"description"`
	Command     string            `json:"command"`
	User        string            `json:"user"`
	Environment map[string]string `json:"environment"`
	Timeout     string            `json:"timeout"`
	At          string            `json:"at"`
}

// Secret is an encrypted text: one of Ciphertext and CiphertextBase64 is set.
type Secret struct {
	Ciphertext       *string  `json:"ciphertext"`
	CiphertextBase64 *string  `json:"ciphertextBase64"`
	Path             string   `json:"path"`
	Mode             string   `json:"mode"`
	Owner            string   `json:"owner"`
	Group            string   `json:"group"`
	RestartUnits     []string `json:"restartUnits"`
	ReloadUnits      []string `json:"reloadUnits"`
	At               string   `json:"at"`
}

// Activation says how a change takes hold and how it is taken back.
type Activation struct {
	ConfirmWindow   string `json:"confirmWindow"`
	KeepGenerations int    `json:"keepGenerations"`
}

// Reboot says when the host may reboot.
type Reboot struct {
	Auto      bool     `json:"auto"`
	Windows   []string `json:"windows"`
	Deadline  string   `json:"deadline"`
	Stability string   `json:"stability"`
}
