// Package route is what expressions ask of BGP messages: for their prefixes, AS
// paths and communities.
//
// A message is an object as the codec bgp makes it, {type, data, …}, or its data
// alone: {reach, unreach, attrs}. Prefixes of all plain families count, announced
// and withdrawn. What a message lacks, or has as the hexadecimal text of what
// could not be read, is not there. Of lists that are given by themselves, and of
// the lists in a message, every element must be what is wanted.
//
// A path of a speaker that knows AS numbers of two octets only is the one that RFC 6793,
// 4.2.3, makes of ASPATH and AS4PATH. AS4PATH beside a number of four octets counts for
// nothing: who has sent that is no such speaker (4.1).
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
