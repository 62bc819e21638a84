package policy

import (
	"errors"

	"github.com/nixfleet/nixfleet/schema/version"
)

// compareVersions is for rules: -1, 0 or 1.
func compareVersions(args []any) (any, error) {
	a, isText := args[0].(string)
	b, isToo := args[1].(string)
	if !isText || !isToo {
		return nil, errors.New("compareVersions: expected two strings")
	}
	return float64(version.Compare(a, b)), nil
}

// downgrades are the packages whose highest version is lower than it was.
func downgrades(args []any) (any, error) {
	was, is := newest(args[0]), newest(args[1])
	found := []any{}
	for _, name := range sortedKeys(was) {
		if now, ok := is[name]; ok && version.Compare(now, was[name]) < 0 {
			found = append(found, map[string]any{"name": name, "from": was[name], "to": now})
		}
	}
	return found, nil
}

// newest is the highest version of each package that has one.
func newest(packages any) map[string]string {
	versions := map[string]string{}
	list, _ := packages.([]any)
	for _, item := range list {
		fields, _ := item.(map[string]any)
		name, _ := fields["name"].(string)
		number, _ := fields["version"].(string)
		if known, ok := versions[name]; number != "" && (!ok || version.Compare(number, known) > 0) {
			versions[name] = number
		}
	}
	return versions
}
