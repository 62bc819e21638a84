package golden

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// heading are the keys that say what an object is; they come first.
var heading = []string{"name", "path", "unit", "manifest"}

// writeYAML writes a tree of JSON with one thing a line, texts of several lines as they are.
func writeYAML(tree any) ([]byte, error) {
	node, err := yamlNode(tree)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

func yamlNode(value any) (*yaml.Node, error) {
	switch value := value.(type) {
	case map[string]any:
		return yamlMap(value)
	case []any:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range value {
			child, err := yamlNode(item)
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, child)
		}
		return node, nil
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: value.String()}, nil
	case string, bool, float64, nil:
		node := new(yaml.Node)
		if err := node.Encode(value); err != nil {
			return nil, err
		}
		if text, ok := value.(string); ok && strings.Contains(text, "\n") {
			node.Style = yaml.LiteralStyle
		}
		return node, nil
	}
	return nil, fmt.Errorf("internal error: %T in a tree of JSON", value)
}

func yamlMap(value map[string]any) (*yaml.Node, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	keys := sortedKeys(value)
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	for _, key := range keys {
		name, err := yamlNode(key)
		if err != nil {
			return nil, err
		}
		child, err := yamlNode(value[key])
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, name, child)
	}
	return node, nil
}

func rank(key string) int {
	if i := slices.Index(heading, key); i >= 0 {
		return i
	}
	return len(heading)
}
