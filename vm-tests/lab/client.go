package lab

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/crypto/ssh"
	"sigs.k8s.io/yaml"
)

// Inventory is an inventory of the lab's hosts in the form that nixfleet reads.
type Inventory struct {
	Name     string                   `json:"name"`
	Defaults InventoryHost            `json:"defaults"`
	Hosts    map[string]InventoryHost `json:"hosts"`
}

// InventoryHost is what the lab knows about a host.
type InventoryHost struct {
	Base     string   `json:"base,omitempty"`
	System   string   `json:"system,omitempty"`
	User     string   `json:"user,omitempty"`
	Addr     string   `json:"addr,omitempty"`
	HostKeys []string `json:"hostKeys,omitempty"`
	Roles    []string `json:"roles,omitempty"`
	Groups   []string `json:"groups,omitempty"`
}

// Inventory returns the inventory of the lab's hosts.
func (l *Lab) Inventory() Inventory {
	system := map[string]string{"amd64": "x86_64-linux", "arm64": "aarch64-linux"}[runtime.GOARCH]
	inventory := Inventory{
		Name:     "lab",
		Defaults: InventoryHost{Base: "debian", System: system, User: User},
		Hosts:    map[string]InventoryHost{},
	}
	for _, h := range l.hosts {
		inventory.Hosts[h.Name] = InventoryHost{
			Addr: h.Addr, HostKeys: []string{h.HostKey}, Roles: h.spec.Roles, Groups: h.spec.Groups,
		}
	}
	return inventory
}

// WriteInventory writes the inventory: JSON where the name ends in .json, YAML elsewhere.
func (l *Lab) WriteInventory(path string) error {
	text, err := json.MarshalIndent(l.Inventory(), "", "  ")
	if err == nil && filepath.Ext(path) != ".json" {
		text, err = yaml.JSONToYAML(text)
	}
	if err == nil {
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("cannot write the inventory: %w", err)
	}
	return nil
}

// InventoryFile is the inventory that every lab writes for itself.
func (l *Lab) InventoryFile() string { return filepath.Join(l.Dir, "inventory.yaml") }

// writeClientFiles makes the lab's HOME: key, known hosts and configuration for ssh.
func (l *Lab) writeClientFiles() error {
	if err := os.MkdirAll(filepath.Dir(l.KeyFile), 0o700); err != nil {
		return fmt.Errorf("cannot write the lab's ssh files: %w", err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("cannot make the lab's ssh key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "nixfleet lab "+l.ID)
	if err != nil {
		return fmt.Errorf("cannot make the lab's ssh key: %w", err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return fmt.Errorf("cannot make the lab's ssh key: %w", err)
	}
	var known, config strings.Builder
	for _, h := range l.hosts {
		fmt.Fprintf(&known, "%s,%s %s\n", h.Name, h.Addr, h.HostKey)
		fmt.Fprintf(&config, "Host %s\n\tHostName %s\n", h.Name, h.Addr)
	}
	fmt.Fprintf(&config, "Host *\n\tUser %s\n\tIdentityFile %s\n\tIdentitiesOnly yes\n\tIdentityAgent none\n\tUserKnownHostsFile %s\n",
		User, l.KeyFile, l.KnownHosts)
	for path, text := range map[string]string{
		l.KeyFile: string(pem.EncodeToMemory(block)), l.KeyFile + ".pub": string(ssh.MarshalAuthorizedKey(key)),
		l.KnownHosts: known.String(), l.SSHConfig: config.String(),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("cannot write the lab's ssh files: %w", err)
		}
	}
	return l.WriteInventory(l.InventoryFile())
}

// writeLayer makes the directory that lies between the image and what a host writes: what all hosts of this lab share.
func (l *Lab) writeLayer(helper string) (string, error) {
	layer := filepath.Join(l.Dir, "layer")
	dirs := []string{layer}
	if helper != "" {
		for dir := filepath.Dir(HelperPath); dir != "/"; dir = filepath.Dir(dir) {
			dirs = append(dirs, filepath.Join(layer, dir))
		}
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", fmt.Errorf("cannot write the lab's files: %w", err)
		}
	}
	for _, dir := range dirs {
		// The topmost layer's mode is the one that a host sees, whatever the umask here.
		if err := os.Chmod(dir, 0o755); err != nil {
			return "", fmt.Errorf("cannot write the lab's files: %w", err)
		}
	}
	if helper == "" {
		return layer, nil
	}
	binary, err := os.ReadFile(helper)
	if err != nil {
		return "", fmt.Errorf("cannot read the helper: %w", err)
	}
	if err := writeOwned(filepath.Join(layer, HelperPath), string(binary), 0o755, 0); err != nil {
		return "", fmt.Errorf("cannot install the helper: %w", err)
	}
	return layer, nil
}
