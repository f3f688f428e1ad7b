package flows

import (
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/decode"
	"github.com/flowrun/flowrun/flows/source"
)

const (
	maxEach  = 10_000  // instances of a block with for_each
	maxParts = 100_000 // instances of blocks in a flow, those of modules included
)

// family is a block with its instances: the only one, under the key "", or
// with for_each one per key.
type family[T any] struct {
	source.Block
	keyed   bool
	sound   bool // the keys are known
	keys    []string
	members map[string]T
	aside   []T // read for what is wrong with it only: for_each is empty, or not known
}

// all returns the instances in order.
func (f *family[T]) all() (list []T) {
	for _, key := range f.keys {
		list = append(list, f.members[key])
	}
	return list
}

// readFamilies reads the blocks of one kind. Each is named by its label at
// index label; one calls read per instance, with the instance's name.
func readFamilies[T any](r *reader, kind string, label int, read func(r *reader, b source.Block, name string) T) map[string]*family[T] {
	families := map[string]*family[T]{}
	for _, b := range r.Blocks[kind] {
		name := b.Labels[label]
		b.Owner = kind + " " + quote(name)
		if !r.ValidName(b, label) {
			continue
		}
		if first := families[name]; first != nil {
			r.Twice(b, first.At)
			continue
		}
		f := &family[T]{Block: b, members: map[string]T{}}
		families[name] = f
		a, each := source.Peek(b.Region, "for_each")
		if !each {
			f.sound, f.keys = r.room(b.At, 1), []string{""}
			f.members[""] = read(r, b, name)
			continue
		}
		f.keyed = true
		var values map[string]cty.Value
		values, f.sound = r.forEach(a)
		if f.sound = f.sound && r.room(a.Expr.Range(), len(values)); !f.sound {
			values = nil
		}
		if len(values) == 0 {
			aside := *r
			aside.whole = newWhole(r.Report)
			aside.Values = r.Each(cty.UnknownVal(cty.String), cty.DynamicVal)
			f.aside = []T{read(&aside, b, name)}
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(values)) {
			one := *r
			one.Values = r.Each(cty.StringVal(key), values[key])
			full := name + "[" + strconv.Quote(key) + "]"
			one.title = kind + " " + r.prefix + full
			leave := r.Within(one.title)
			f.keys = append(f.keys, key)
			f.members[key] = read(&one, b, full)
			leave()
		}
	}
	return families
}

// room counts parts of the flow, and reports when there are too many.
func (r *reader) room(at hcl.Range, parts int) bool {
	before := r.whole.parts
	r.whole.parts += parts
	if before <= maxParts && r.whole.parts > maxParts {
		r.Errorf(at, "the flow has more than %d parts here, those of modules and of for_each counted", maxParts)
	}
	return r.whole.parts <= maxParts
}

// forEach returns the instances that for_each asks for.
func (r *reader) forEach(a source.Argument) (values map[string]cty.Value, ok bool) {
	at := a.Expr.Range()
	v, ok := r.Evaluate(a.Expr, "for_each")
	if !ok {
		return nil, false
	}
	if v.IsMarked() {
		r.Errorf(at, "for_each cannot be sensitive: its keys stand in names")
		return nil, false
	}
	t := v.Type()
	isMap := t.IsMapType() || t.IsObjectType()
	if v.IsNull() || !isMap && !t.IsListType() && !t.IsTupleType() && !t.IsSetType() {
		r.Errorf(at, "for_each wants an object, or a list of strings, not %s", decode.Describe(v))
		return nil, false
	}
	if n := v.LengthInt(); n > maxEach {
		r.Errorf(at, "for_each has %d elements, and %d are the most", n, maxEach)
		return nil, false
	}
	values = map[string]cty.Value{}
	for it := v.ElementIterator(); it.Next(); {
		key, element := it.Element()
		if !isMap {
			if element.IsMarked() {
				r.Errorf(at, "for_each cannot be sensitive: its keys stand in names")
				return nil, false
			}
			if key = element; key.IsNull() || key.Type() != cty.String {
				r.Errorf(at, "for_each wants an object, or a list of strings, and %s is in the list", decode.Describe(key))
				return nil, false
			}
		}
		name := key.AsString()
		if _, again := values[name]; again {
			r.Errorf(at, "for_each has %q twice", name)
			return nil, false
		}
		values[name] = element
	}
	return values, true
}
