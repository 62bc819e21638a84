package resolve

import (
	"encoding/base64"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// secretDirectory is in memory, so that no secret reaches a disk in clear.
const secretDirectory = "/run/nixfleet-secrets"

// How files of age begin, in their two forms.
const (
	ageHead      = "age-encryption.org/v1\n"
	ageArmorHead = "-----BEGIN AGE ENCRYPTED FILE-----"
)

func (r *resolver) secrets() []schema.Secret {
	var secrets []schema.Secret
	for _, name := range slices.Sorted(maps.Keys(r.intent.Secrets)) {
		s := r.intent.Secrets[name]
		p := place{"secrets", name, s.At}
		r.checkPolicyName(p)
		if !strings.HasPrefix(s.Path, secretDirectory+"/") || path.Clean(s.Path) != s.Path || strings.ContainsRune(s.Path, 0) {
			r.refuse(p, "path", diagnostic.PathInvalid, "%q is not a clean path below %s, where secrets are kept in memory", s.Path, secretDirectory)
		}
		r.checkAccess("secrets", name, s.At, s.Mode, s.Owner, s.Group)
		restart := r.unitNames(p, "restartUnits", s.RestartUnits)
		reload := slices.DeleteFunc(r.unitNames(p, "reloadUnits", s.ReloadUnits), func(u schema.UnitName) bool { return slices.Contains(restart, u) })
		secrets = append(secrets, schema.Secret{
			Name: name, Ciphertext: r.ciphertext(p, s), Path: s.Path,
			Mode: schema.Mode(s.Mode), Owner: schema.AccountName(s.Owner), Group: schema.AccountName(s.Group),
			Restart: restart, Reload: reload,
		})
	}
	return secrets
}

// ciphertext returns the payload of an age file. What is none is refused: it
// could be the secret itself, and plans are for everybody to read.
func (r *resolver) ciphertext(p place, s intent.Secret) schema.Digest {
	text := or(s.Ciphertext, "")
	if s.CiphertextBase64 != nil {
		data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(*s.CiphertextBase64))
		if err != nil {
			r.refuse(p, "ciphertextBase64", diagnostic.SecretContent, "the ciphertext of %s is not base64", p.name)
			return ""
		}
		text = string(data)
	}
	switch {
	case (s.Ciphertext != nil) == (s.CiphertextBase64 != nil):
		r.refuse(p, "", diagnostic.SecretContent, "the secret %s needs exactly one ciphertext", p.name)
	case !strings.HasPrefix(text, ageHead) && !strings.HasPrefix(strings.TrimLeft(text, "\n\r\t "), ageArmorHead):
		r.refuse(p, "", diagnostic.SecretContent, "the ciphertext of %s is not a file that age encrypted", p.name)
		return ""
	}
	return r.payloads.add(text)
}

// unitNames returns a list of units, sorted and each once.
func (r *resolver) unitNames(p place, field string, units []string) []schema.UnitName {
	var names []schema.UnitName
	for _, unit := range units {
		var name schema.UnitName
		if err := name.UnmarshalText([]byte(unit)); err != nil {
			r.refuse(p, field, diagnostic.UnitName, "%v", err)
			continue
		}
		r.checkReference(p, field, name)
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
