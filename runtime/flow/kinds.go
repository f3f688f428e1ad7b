package flow

import (
	"fmt"
	"strings"

	"github.com/flowrun/flowrun/runtime/setting"
)

// Kinds is a set of kinds of values. The three kinds of numbers are in it
// together or not at all.
type Kinds uint16

// The sets of one kind, and that of all.
const (
	OfNull   Kinds = 1 << Null
	OfBool   Kinds = 1 << Bool
	OfNumber Kinds = 1<<Int | 1<<Float | 1<<Number
	OfText   Kinds = 1 << Text
	OfBytes  Kinds = 1 << Bytes
	OfList   Kinds = 1 << List
	OfMap    Kinds = 1 << Map
	OfAny          = OfNull | OfBool | OfNumber | OfText | OfBytes | OfList | OfMap
)

// Kinds is the set that v is in.
func (v Value) Kinds() Kinds {
	if v.IsNumber() {
		return OfNumber
	}
	return 1 << v.kind
}

// Has reports whether v is of one of the kinds.
func (k Kinds) Has(v Value) bool { return k&(1<<v.kind) != 0 }

// String names the kinds other than null, for people: "a string, bytes or a
// list"; "null" when there is no other.
func (k Kinds) String() string {
	if k&^OfNull == OfAny&^OfNull {
		return "any value"
	}
	var names []string
	for _, n := range [...]struct {
		kind Kinds
		name string
	}{
		{OfBool, "a bool"}, {OfNumber, "a number"}, {OfText, "a string"},
		{OfBytes, "bytes"}, {OfList, "a list"}, {OfMap, "an object"},
	} {
		if k&n.kind != 0 {
			names = append(names, n.name)
		}
	}
	switch len(names) {
	case 0:
		return "null"
	case 1:
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// MustBe is an error about an argument whose values are never of the kinds
// wanted, as far as that is known before any event has come. What is sometimes
// null is not right for that alone; what is always null is meant so.
func MustBe(field string, x Expr, wanted Kinds) error {
	k, ok := x.(Kinded)
	if !ok {
		return nil
	}
	if can := k.Kinds(); can&wanted == 0 && can != OfNull {
		return &setting.Error{Field: field, Err: fmt.Errorf("%s is %s, where %s is needed", field, can, wanted)}
	}
	return nil
}
