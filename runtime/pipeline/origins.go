package pipeline

import (
	"slices"

	"github.com/flowrun/flowrun/runtime/flow"
)

// origins collects the connections that something answers, each once.
type origins struct {
	list []*flow.Origin
	set  map[*flow.Origin]struct{} // of list, when it is long
	told bool                      // that there are more
}

// searched is how many connections are looked through without a map.
const searched = 16

// add adds the connections of an event, and reports whether there was room for
// all of them.
func (o *origins) add(x *flow.Origin, most int) bool {
	switch {
	case x == nil:
		return true
	case x.Union != nil:
		fits := true
		for _, part := range x.Union {
			fits = o.add(part, most) && fits
		}
		return fits
	case o.has(x):
		return true
	case len(o.list) >= most:
		return false
	}
	o.list = append(o.list, x)
	if o.set != nil {
		o.set[x] = struct{}{}
	} else if len(o.list) > searched {
		o.set = make(map[*flow.Origin]struct{}, 2*searched)
		for _, known := range o.list {
			o.set[known] = struct{}{}
		}
	}
	return true
}

func (o *origins) has(x *flow.Origin) bool {
	if n := len(o.list); n > 0 && o.list[n-1] == x {
		return true
	}
	if o.set != nil {
		_, ok := o.set[x]
		return ok
	}
	return slices.Contains(o.list, x)
}

// only makes x the one connection.
func (o *origins) only(x *flow.Origin) {
	if len(o.list) == 1 {
		o.list[0] = x
	} else if x != nil {
		o.list = []*flow.Origin{x}
	}
}

// union is the origin of an event that answers them all.
func (o *origins) union() *flow.Origin {
	switch len(o.list) {
	case 0:
		return nil
	case 1:
		return o.list[0]
	}
	return &flow.Origin{Union: o.list}
}
