package route

import "github.com/flowrun/flowrun/runtime/flow"

// Path returns the AS numbers of the path in their order, those of its sets
// too; null where there is no path. of is a message or a path.
func Path(of flow.Value) (flow.Value, error) {
	p, err := pathOf(of)
	if err != nil || p.flat() {
		return p.value, err
	}
	all := make([]flow.Value, 0, p.n)
	for _, part := range [][]flow.Value{p.head, p.tail} {
		for _, x := range part {
			if x.Kind() == flow.List {
				all = append(all, x.List()...)
			} else {
				all = append(all, x)
			}
		}
	}
	return flow.ListOf(all), nil
}

// Origin returns the AS number at the end of the path; null where there is
// none, or a set of several. of is a message or a path.
func Origin(of flow.Value) (flow.Value, error) {
	p, err := pathOf(of)
	part := p.tail
	if len(part) == 0 {
		part = p.head
	}
	if err != nil || len(part) == 0 {
		return flow.NullValue, err
	}
	last := part[len(part)-1]
	if last.Kind() != flow.List {
		return last, nil
	}
	if len(last.List()) == 1 {
		return last.List()[0], nil
	}
	return flow.NullValue, nil
}

// path is an AS path: numbers, and sets, which are lists of numbers. The zero path is
// none.
type path struct {
	value      flow.Value   // where there is no tail, the list that head is
	head, tail []flow.Value // what is in ASPATH, and what is in AS4PATH instead of its end
	n          int          // numbers, those in sets, too
	sets, wide bool         // there are sets, and a number that needs four octets
}

// flat reports whether value is the path, or there is none.
func (p *path) flat() bool { return len(p.tail) == 0 && !p.sets }

// pathOf finds the path in a message, or is the path that of is.
func pathOf(of flow.Value) (path, error) {
	if of.Kind() == flow.List {
		return read(of)
	}
	p, err := read(attr(of, "ASPATH"))
	if err != nil || len(p.head) == 0 {
		return p, err
	}
	whole, err := read(attr(of, "AS4PATH"))
	if err != nil {
		return path{}, err
	}
	if len(whole.head) > 0 && len(whole.head) <= len(p.head) && !p.wide && !aggregatedByOld(of) {
		p.tail = whole.head
		p.head = p.head[:len(p.head)-len(p.tail)]
		p.n += whole.n // more than there are: it is the room for them
	}
	return p, nil
}

// asTrans stands in two octets for a number that has no room there.
const asTrans = 23456

// aggregatedByOld reports whether a route was aggregated by a speaker that knows two
// octets only, so that what AS4PATH says is of a route before.
func aggregatedByOld(of flow.Value) bool {
	two, four := field(attr(of, "AGGREGATOR"), "asn"), field(attr(of, "AS4AGGREGATOR"), "asn")
	return two.Kind() == flow.Int && two.Int() != asTrans && four.Kind() == flow.Int
}

// read looks at the numbers of a path. What is no list is none.
func read(of flow.Value) (path, error) {
	if of.Kind() != flow.List {
		return path{}, nil
	}
	p := path{value: of, head: of.List()}
	for _, x := range p.head {
		members := []flow.Value{x}
		if x.Kind() == flow.List {
			members, p.sets = x.List(), true
		}
		for _, as := range members {
			if !as.IsNumber() {
				return path{}, unwanted(as, "AS numbers")
			}
			p.n++
			p.wide = p.wide || as.Kind() == flow.Int && as.Int() > 1<<16-1
		}
	}
	return p, nil
}
