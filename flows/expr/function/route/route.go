// Package route is what expressions ask of BGP messages: for their prefixes, AS
// paths and communities.
//
// A message is an object as the codec bgp makes it, {type, data, …}, or its data
// alone: {reach, unreach, attrs}. Prefixes of all plain families count, announced
// and withdrawn. What a message lacks, or has as the hexadecimal text of what
// could not be read, is not there. Of lists that are given by themselves, and of
// the lists in a message, every element must be what is wanted.
//
// Nothing here allocates where a question can be answered without; a message that
// is still bytes is opened once for all questions. Errors do not quote what was
// given.
package route

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/flowrun/flowrun/flows/expr/function/prefix"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Relation is how a prefix p of a message is to stand to another, q.
type Relation func(p, q netip.Prefix) bool

// Overlaps, Within and Covers are the relations. A prefix lies within itself,
// and covers itself.
var (
	Overlaps Relation = netip.Prefix.Overlaps
	Within   Relation = func(p, q netip.Prefix) bool { return prefix.Covers(q, p) }
	Covers   Relation = prefix.Covers
)

// Related reports whether one of the prefixes that of has stands in the relation
// to one of others. of is a message, a list of prefixes, or a prefix or an
// address.
func Related(of flow.Value, relation Relation, others []netip.Prefix) (bool, error) {
	if of.Kind() == flow.Text {
		return relatedOne(of, relation, others)
	}
	for _, list := range prefixLists(of) {
		for _, p := range list.List() {
			if ok, err := relatedOne(p, relation, others); ok || err != nil {
				return ok, err
			}
		}
	}
	return false, nil
}

func relatedOne(v flow.Value, relation Relation, others []netip.Prefix) (bool, error) {
	if v.Kind() != flow.Text {
		return false, unwanted(v, "prefixes")
	}
	p, err := prefix.ParseAny(withoutID(v.Text()))
	if err != nil {
		return false, err
	}
	for _, q := range others {
		if relation(p, q) {
			return true, nil
		}
	}
	return false, nil
}

// Prefixes returns the list of the prefixes of a message.
func Prefixes(of flow.Value) flow.Value {
	var all []flow.Value
	for _, list := range prefixLists(of) {
		for _, p := range list.List() {
			if p.Kind() == flow.Text {
				all = append(all, flow.TextOf(withoutID(p.Text())))
			}
		}
	}
	return flow.ListOf(all)
}

// prefixLists are the lists of prefixes in of, which may be one itself.
func prefixLists(of flow.Value) [4]flow.Value {
	if of.Kind() == flow.List {
		return [4]flow.Value{of}
	}
	return [4]flow.Value{
		field(data(of), "reach"), field(data(of), "unreach"),
		field(attr(of, "MP_REACH"), "prefixes"), field(attr(of, "MP_UNREACH"), "prefixes"),
	}
}

// withoutID is a prefix without its path identifier: #5#192.0.2.0/24.
func withoutID(s string) string {
	if strings.HasPrefix(s, "#") {
		_, s, _ = strings.Cut(s[1:], "#")
	}
	return s
}

// Path returns the AS numbers of the path in their order, those of its sets
// too; null where there is no path. of is a message or a path.
func Path(of flow.Value) (flow.Value, error) {
	path, n, err := pathOf(of)
	if err != nil || n == len(path.List()) {
		return path, err
	}
	flat := make([]flow.Value, 0, n)
	for _, x := range path.List() {
		if x.Kind() == flow.List {
			flat = append(flat, x.List()...)
		} else {
			flat = append(flat, x)
		}
	}
	return flow.ListOf(flat), nil
}

// Origin returns the AS number at the end of the path; null where there is
// none, or a set of several. of is a message or a path.
func Origin(of flow.Value) (flow.Value, error) {
	path, n, err := pathOf(of)
	if err != nil || n == 0 {
		return flow.NullValue, err
	}
	last := path.List()[len(path.List())-1]
	if last.Kind() != flow.List {
		return last, nil
	}
	if len(last.List()) == 1 {
		return last.List()[0], nil
	}
	return flow.NullValue, nil
}

// pathOf finds a path and counts its AS numbers.
func pathOf(of flow.Value) (path flow.Value, n int, err error) {
	if path = of; of.Kind() != flow.List {
		path = attr(of, "ASPATH")
	}
	if path.Kind() != flow.List {
		return flow.NullValue, 0, nil
	}
	for _, x := range path.List() {
		if x.Kind() != flow.List {
			n++
			if !x.IsNumber() {
				return flow.NullValue, 0, unwanted(x, "AS numbers")
			}
		}
		for _, y := range x.List() {
			n++
			if !y.IsNumber() {
				return flow.NullValue, 0, unwanted(y, "AS numbers")
			}
		}
	}
	return path, n, nil
}

func unwanted(v flow.Value, wanted string) error {
	return fmt.Errorf("the list has %s in it, where only %s are wanted", v.Kinds(), wanted)
}

// data are the data of a message.
func data(of flow.Value) flow.Value {
	if d, ok := of.Object().Get("data"); ok {
		return d
	}
	return of
}

// attr is the value of an attribute of a message; null where it is missing.
func attr(of flow.Value, name string) flow.Value {
	return field(field(field(data(of), "attrs"), name), "value")
}

func field(v flow.Value, key string) flow.Value {
	v, _ = v.Object().Get(key)
	return v
}
