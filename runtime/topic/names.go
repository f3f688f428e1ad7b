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

// Of is Names for the topics of a message, which may be what a client says they
// are: since each is looked up among all subscriptions, they are bounded.
func Of(terms *flow.Topics, dst []string, v flow.Value) ([]string, error) {
	topics, err := Names(dst, v)
	if most := terms.MaxPerMessage; err == nil && len(topics) > most {
		return nil, fmt.Errorf("a message with %d topics: max_per_message is %d", len(topics), most)
	}
	for _, t := range topics {
		if len(t) > int(terms.MaxLength) {
			return nil, fmt.Errorf("a topic of %d bytes: max_length is %s", len(t), terms.MaxLength)
		}
	}
	return topics, err
}

// Asked is Names for what a client wants to subscribe to or unsubscribe from, as
// what says. It is no more than there may be subscriptions.
func Asked(terms *flow.Topics, what string, v flow.Value) ([]string, error) {
	names, err := Names(nil, v)
	if most := terms.MaxPerConnection; err == nil && len(names) > most {
		return nil, fmt.Errorf("%s %d topics: max_per_connection is %d", what, len(names), most)
	}
	return names, err
}

// Refusals are the subscriptions that one event asks for and does not get: one
// problem, however many they are.
type Refusals struct {
	first error
	more  int
}

// Add takes note of one.
func (r *Refusals) Add(err error) {
	if r.first != nil {
		r.more++
		return
	}
	r.first = err
}

// Err is what to say of them; nil when there is none.
func (r *Refusals) Err() error {
	if r.more > 0 {
		return fmt.Errorf("%w; and so for %d more", r.first, r.more)
	}
	return r.first
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
