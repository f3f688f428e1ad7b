package topic

import (
	"fmt"
	"slices"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Names appends the topics that v, computed by a flow, names to dst: a string, a
// list of strings, or null for none.
func Names(dst []string, v flow.Value) ([]string, error) {
	switch v.Kind() {
	case flow.Null:
		return dst, nil
	case flow.Text:
		return append(dst, v.Text()), nil
	case flow.List:
		for _, x := range v.List() {
			if x.Kind() != flow.Text {
				return dst, fmt.Errorf("a topic is a string, and in this list is %s", x.Kinds())
			}
			dst = append(dst, x.Text())
		}
		return dst, nil
	}
	return dst, fmt.Errorf("a topic is a string, and this is %s", v.Kinds())
}

// Admit returns the pattern that name means to a subscriber who has others
// already, and whether it is another one. An error says why it may not be had.
func Admit(terms *flow.Topics, has []string, name string) (pattern string, more bool, err error) {
	if len(name) > int(terms.MaxLength) {
		return "", false, fmt.Errorf("subscribe to a topic of %d bytes: max_length is %s", len(name), terms.MaxLength)
	}
	pattern, err = Match(terms.Match).Check(name)
	switch {
	case err != nil:
		return "", false, fmt.Errorf("subscribe to %q: %w", name, err)
	case slices.Contains(has, pattern):
		return pattern, false, nil
	case len(has) >= terms.MaxPerConnection:
		return "", false, fmt.Errorf("subscribe to %q: there are %d subscriptions, and max_per_connection allows no more", name, len(has))
	}
	return pattern, true, nil
}
