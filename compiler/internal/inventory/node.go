package inventory

// node is a value of a YAML or JSON file with its place. A field's place is that
// of its key: there people look for it.
type node struct {
	line, column int
	fields       map[string]*node
	items        []*node
}

// find returns the node at a path of field names and list positions.
func (n *node) find(path []string) *node {
	for _, step := range path {
		switch {
		case n.fields[step] != nil:
			n = n.fields[step]
		case n.items != nil:
			i := 0
			for _, digit := range step {
				if digit < '0' || digit > '9' {
					return nil
				}
				i = min(i*10+int(digit-'0'), len(n.items))
			}
			if step == "" || i >= len(n.items) {
				return nil
			}
			n = n.items[i]
		default:
			return nil
		}
	}
	return n
}
