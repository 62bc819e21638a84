package golden

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/nixfleet/nixfleet/schema"
)

// variant is a content with the hosts that have it, in their order.
type variant struct {
	hosts   []schema.HostName
	content string
	file    string
}

// What stands for a host's own name and address.
const (
	ownHost    = "‹host›"
	ownAddress = "‹address›"
)

// ownNames takes a host's own names out of texts.
type ownNames struct {
	name, address string
	names, addrs  *regexp.Regexp
}

func ownNamesOf(name schema.HostName, address string) ownNames {
	whole := func(word string) *regexp.Regexp {
		return regexp.MustCompile(`(^|[^A-Za-z0-9_-])` + regexp.QuoteMeta(word) + `($|[^A-Za-z0-9_-])`)
	}
	return ownNames{string(name), address, whole(string(name)), whole(address)}
}

// without returns a text without the host's own names. Put in again, they give the
// text as it was; where they would not, it stays as it is.
func (o ownNames) without(text string) string {
	if !utf8.ValidString(text) {
		return text
	}
	found := text
	for range 2 { // those that share what is between them
		found = o.addrs.ReplaceAllString(found, "${1}"+ownAddress+"${2}")
		found = o.names.ReplaceAllString(found, "${1}"+ownHost+"${2}")
	}
	if strings.ReplaceAll(strings.ReplaceAll(found, ownHost, o.name), ownAddress, o.address) != text {
		return text
	}
	return found
}

// variants puts hosts with one content together, in the order of their first hosts.
// Contents that differ in nothing but the host's own names are one.
func (l *layout) variants(holders map[schema.HostName]schema.Digest, read func(schema.Digest) (string, error)) ([]variant, error) {
	contents := map[schema.Digest]string{}
	for _, digest := range holders {
		if _, known := contents[digest]; known {
			continue
		}
		content, err := read(digest)
		if err != nil {
			return nil, err
		}
		contents[digest] = content
	}
	key := func(name schema.HostName) string { return contents[holders[name]] }
	if len(contents) > 1 {
		key = func(name schema.HostName) string { return l.own[name].without(contents[holders[name]]) }
	}
	var found []variant
	at := map[string]int{}
	for _, name := range l.names {
		digest, holds := holders[name]
		if !holds {
			continue
		}
		form := key(name)
		i, known := at[form]
		if !known {
			i = len(found)
			at[form] = i
			found = append(found, variant{content: contents[digest]})
		} else if found[i].content != contents[digest] {
			found[i].content = form
		}
		found[i].hosts = append(found[i].hosts, name)
	}
	return found, nil
}
