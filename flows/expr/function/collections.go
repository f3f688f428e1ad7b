package function

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/flowrun/flowrun/flows/expr/arithmetic"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/valuekey"
)

var collections = []Function{
	{
		Name: "length", Group: groupCollections,
		Params:  params(Param{Name: "what", Kinds: flow.OfText | flow.OfBytes | flow.OfList | flow.OfMap}),
		Returns: flow.OfNumber, Call1: length,
		Doc:      "the number of characters in a string, of bytes, of elements in a list, of keys in an object",
		Examples: []Example{{`length("日本")`, `2`}, {`length([1, 2, 3])`, `3`}},
	},
	{
		Name: "keys", Group: groupCollections, Params: params(object()), Returns: flow.OfList, Call1: keys,
		Doc:      "the keys of the object, in its order",
		Examples: []Example{{`keys({ a = 1, c = 2, d = 3 })`, `["a","c","d"]`}},
	},
	{
		Name: "values", Group: groupCollections, Params: params(object()), Returns: flow.OfList, Call1: fieldValues,
		Doc:      "the values of the object, in its order",
		Examples: []Example{{`values({ a = 1, c = 2 })`, `[1,2]`}},
	},
	{
		Name: "lookup", Group: groupCollections,
		Params:  params(object().orNull(), text("key").orNull(), value("default").optional()),
		Returns: flow.OfAny, Call: lookup,
		Doc:      "what the object has under the key; where there is no such key, the default or null",
		Examples: []Example{{`lookup({ a = 1 }, "a", 0)`, `1`}, {`lookup({ a = 1 }, "b", 0)`, `0`}},
	},
	{
		Name: "merge", Group: groupCollections, Params: params(object().orNull()), Rest: object().orNull().rest(), Returns: flow.OfMap, Call: merge,
		Doc:      "an object with the keys of all of them, the later ones on top; nulls are skipped",
		Examples: []Example{{`merge({ a = 1, b = 1 }, { b = 2, c = 3 })`, `{"a":1,"b":2,"c":3}`}},
	},
	{
		Name: "has", Group: groupCollections, Params: params(value("path")), Returns: flow.OfBool, Special: true,
		Doc:      "whether the path, written out, leads to something, even if that is null",
		Examples: []Example{{`has({ a = null }.a)`, `true`}, {`has({ a = null }.b)`, `false`}},
	},
	{
		Name: "pick", Group: groupCollections, Params: params(object()), Rest: text("key").orList().rest(), Returns: flow.OfMap, Call: pick,
		Doc:      "the object with only these keys, in the order in which they are named here; keys may also come in lists",
		Examples: []Example{{`pick({ a = 1, b = 2, c = 3 }, "a", "c")`, `{"a":1,"c":3}`}},
	},
	{
		Name: "omit", Group: groupCollections, Params: params(object()), Rest: text("key").orList().rest(), Returns: flow.OfMap, Call: omit,
		Doc:      "the object without these keys, which may also come in lists",
		Examples: []Example{{`omit({ a = 1, b = 2, c = 3 }, "b")`, `{"a":1,"c":3}`}},
	},
	{
		Name: "concat", Group: groupCollections, Params: params(list("list").orNull()), Rest: list("list").orNull().rest(), Returns: flow.OfList, Call: concat,
		Doc:      "one list of the elements of all of them; nulls are skipped",
		Examples: []Example{{`concat(["a"], ["b", "c"])`, `["a","b","c"]`}},
	},
	{
		Name: "flatten", Group: groupCollections, Params: params(list("list")), Returns: flow.OfList, Call1: flatten,
		Doc:      "the list with the elements of lists in it in the place of these, at any depth",
		Examples: []Example{{`flatten([[1, 2], [], [[3]]])`, `[1,2,3]`}},
	},
	{
		Name: "distinct", Group: groupCollections, Params: params(list("list")), Returns: flow.OfList, Call1: distinct,
		Doc:      "the list without the elements that equal an earlier one",
		Examples: []Example{{`distinct(["a", "b", "a"])`, `["a","b"]`}, {`distinct([1, 1.0])`, `[1]`}},
	},
	{
		Name: "sort", Group: groupCollections, Params: params(list("list")), Returns: flow.OfList, Call1: sorted,
		Doc:      "the list in order: all its elements are numbers, or all are strings, ordered by their bytes",
		Examples: []Example{{`sort(["b", "C", "a"])`, `["C","a","b"]`}, {`sort([10, 9, 1.5])`, `[1.5,9,10]`}},
	},
	{
		Name: "slice", Group: groupCollections, Params: params(list("list"), number("start"), number("end")), Returns: flow.OfList, Call3: slice,
		Doc:      "the elements of the list from the start index up to, and without, the end index",
		Examples: []Example{{`slice(["a", "b", "c", "d"], 1, 3)`, `["b","c"]`}},
	},
	{
		Name: "range", Group: groupCollections, Params: params(number("start"), number("limit").optional(), number("step").optional()), Returns: flow.OfList, Call: numberRange,
		Doc:      "the numbers from start to before the limit, step by step; with one argument, the numbers from 0 to before it",
		Examples: []Example{{`range(3)`, `[0,1,2]`}, {`range(1, 4)`, `[1,2,3]`}, {`range(4, 1, -2)`, `[4,2]`}},
	},
	{
		Name: "zipmap", Group: groupCollections, Params: params(list("keys"), list("values")), Returns: flow.OfMap, Call2: zipmap,
		Doc:      "an object of these keys with these values, of which there are as many",
		Examples: []Example{{`zipmap(["a", "b"], [1, 2])`, `{"a":1,"b":2}`}},
	},
	{
		Name: "element", Group: groupCollections, Params: params(list("list"), number("index")), Returns: flow.OfAny, Call2: element,
		Doc:      "the element at the index, which goes round: after the last element comes the first, and -1 is the last",
		Examples: []Example{{`element(["a", "b", "c"], 4)`, `"b"`}, {`element(["a", "b", "c"], -1)`, `"c"`}},
	},
	{
		Name: "index", Group: groupCollections, Params: params(list("list"), value("value")), Returns: flow.OfNumber, Call2: indexOf,
		Doc:      "the index of the first element that equals the value; an error where there is none",
		Examples: []Example{{`index(["a", "b", "c"], "b")`, `1`}},
	},
	{
		Name: "compact", Group: groupCollections, Params: params(list("list")), Returns: flow.OfList, Call1: compact,
		Doc:      "the list without nulls and empty strings",
		Examples: []Example{{`compact(["a", "", null, "b"])`, `["a","b"]`}},
	},
	{
		Name: "chunklist", Group: groupCollections, Params: params(list("list"), number("size")), Returns: flow.OfList, Call2: chunklist,
		Doc:      "the list as a list of lists of this size, of which the last may be shorter",
		Examples: []Example{{`chunklist([1, 2, 3], 2)`, `[[1,2],[3]]`}},
	},
	{
		Name: "any", Group: groupCollections, Params: params(list("list")), Returns: flow.OfBool,
		Call1:    func(v flow.Value) (flow.Value, error) { return oneIs(v, true) },
		Doc:      "whether one of the bools in the list is true; null counts as false",
		Examples: []Example{{`any([false, true])`, `true`}, {`any([for x in [1, 2] : x > 2])`, `false`}},
	},
	{
		Name: "all", Group: groupCollections, Params: params(list("list")), Returns: flow.OfBool,
		Call1: func(v flow.Value) (flow.Value, error) {
			b, err := oneIs(v, false)
			if err != nil {
				return b, err
			}
			return flow.BoolOf(!b.Bool()), nil
		},
		Doc:      "whether all the bools in the list are true; null counts as false",
		Examples: []Example{{`all([true, false])`, `false`}, {`all([for x in [1, 2] : x > 0])`, `true`}},
	},
	{
		Name: "coalesce", Group: groupCollections, Params: params(value("value")), Rest: value("value").rest(), Returns: flow.OfAny, Special: true,
		Doc:      "the first of the values that is neither null nor an empty string; those after it are not computed",
		Examples: []Example{{`coalesce(null, "", "a", "b")`, `"a"`}},
	},
}

func length(v flow.Value) (flow.Value, error) {
	n := 0
	switch v.Kind() {
	case flow.Text:
		n = utf8.RuneCountInString(v.Text())
	case flow.Bytes:
		n = len(v.Bytes())
	case flow.List:
		n = len(v.List())
	case flow.Map:
		n = v.Object().Len()
	}
	return flow.IntOf(int64(n)), nil
}

func keys(v flow.Value) (flow.Value, error) {
	names := make([]flow.Value, v.Object().Len())
	for i, f := range v.Object().Fields() {
		names[i] = flow.TextOf(f.Key)
	}
	return flow.ListOf(names), nil
}

func fieldValues(v flow.Value) (flow.Value, error) {
	vs := make([]flow.Value, v.Object().Len())
	for i, f := range v.Object().Fields() {
		vs[i] = f.Value
	}
	return flow.ListOf(vs), nil
}

func lookup(args []flow.Value) (flow.Value, error) {
	if !args[1].IsNull() {
		if v, ok := args[0].Object().Get(args[1].Text()); ok {
			return v, nil
		}
	}
	if len(args) == 3 {
		return args[2], nil
	}
	return flow.NullValue, nil
}

func merge(args []flow.Value) (flow.Value, error) {
	n := 0
	for _, a := range args {
		n += a.Object().Len()
	}
	o := flow.NewObject(min(n, MaxElements))
	for _, a := range args {
		for _, f := range a.Object().Fields() {
			o.Set(f.Key, f.Value)
		}
	}
	if o.Len() > MaxElements {
		return flow.NullValue, errTooMany
	}
	return flow.MapOf(o), nil
}

// eachKey calls f with the keys among args, which are strings and lists of
// strings.
func eachKey(args []flow.Value, f func(string)) error {
	for _, a := range args {
		if a.Kind() == flow.Text {
			f(a.Text())
		}
		for _, k := range a.List() {
			if k.Kind() != flow.Text {
				return fmt.Errorf("a list of keys has %s in it, where only strings are wanted", k.Kinds())
			}
			f(k.Text())
		}
	}
	return nil
}

func pick(args []flow.Value) (flow.Value, error) {
	from := args[0].Object()
	o := flow.NewObject(len(args) - 1)
	if err := eachKey(args[1:], func(key string) {
		if v, ok := from.Get(key); ok {
			o.Set(key, v)
		}
	}); err != nil {
		return flow.NullValue, err
	}
	return flow.MapOf(o), nil
}

func omit(args []flow.Value) (flow.Value, error) {
	from := args[0].Object()
	var few [8]string
	names := few[:0]
	if err := eachKey(args[1:], func(key string) { names = append(names, key) }); err != nil {
		return flow.NullValue, err
	}
	unwanted := func(key string) bool { return slices.Contains(names, key) }
	if len(names) > len(few) {
		set := make(map[string]bool, len(names))
		for _, key := range names {
			set[key] = true
		}
		unwanted = func(key string) bool { return set[key] }
	}
	o := flow.NewObject(from.Len())
	for _, f := range from.Fields() {
		if !unwanted(f.Key) {
			o.Set(f.Key, f.Value)
		}
	}
	return flow.MapOf(o), nil
}

func concat(args []flow.Value) (flow.Value, error) {
	n := 0
	for _, a := range args {
		if n += len(a.List()); n > MaxElements {
			return flow.NullValue, errTooMany
		}
	}
	all := make([]flow.Value, 0, n)
	for _, a := range args {
		all = append(all, a.List()...)
	}
	return flow.ListOf(all), nil
}

func flatten(v flow.Value) (flow.Value, error) {
	all, err := appendFlat(make([]flow.Value, 0, len(v.List())), v.List())
	if err != nil {
		return flow.NullValue, err
	}
	return flow.ListOf(all), nil
}

func appendFlat(dst, from []flow.Value) ([]flow.Value, error) {
	var err error
	for _, v := range from {
		if v.Kind() != flow.List {
			dst = append(dst, v)
		} else if dst, err = appendFlat(dst, v.List()); err != nil {
			return nil, err
		}
		if len(dst) > MaxElements {
			return nil, errTooMany
		}
	}
	return dst, nil
}

func distinct(v flow.Value) (flow.Value, error) {
	var kept []flow.Value
	seen := map[string]bool{}
	var key []byte
	for _, x := range v.List() {
		if key = valuekey.Append(key[:0], x); !seen[string(key)] {
			seen[string(key)] = true
			kept = append(kept, x)
		}
	}
	return flow.ListOf(kept), nil
}

func sorted(v flow.Value) (flow.Value, error) {
	all := v.List()
	if len(all) == 0 {
		return v, nil
	}
	isText := all[0].Kind() == flow.Text
	for _, x := range all {
		if isText != (x.Kind() == flow.Text) || !isText && !x.IsNumber() {
			return flow.NullValue, errors.New("the list is not of strings alone or of numbers alone, and has no order")
		}
		if f := x.Float(); f != f {
			return flow.NullValue, errors.New("one of the numbers is not a number (NaN)")
		}
	}
	ordered := slices.Clone(all)
	slices.SortStableFunc(ordered, func(a, b flow.Value) int {
		if isText {
			return strings.Compare(a.Text(), b.Text())
		}
		c, _ := flow.CompareNumbers(a, b)
		return c
	})
	return flow.ListOf(ordered), nil
}

func slice(v, start, end flow.Value) (flow.Value, error) {
	to, err := arithmetic.Within(end, "the end index", 0, int64(len(v.List())))
	if err != nil {
		return flow.NullValue, errors.New("the end index must be a whole number between 0 and the length of the list")
	}
	from, err := arithmetic.Within(start, "the start index", 0, int64(to))
	if err != nil {
		return flow.NullValue, errors.New("the start index must be a whole number between 0 and the end index")
	}
	return flow.ListOf(v.List()[from:to:to]), nil
}

func numberRange(args []flow.Value) (flow.Value, error) {
	start, limit := flow.IntOf(0), args[0]
	if len(args) > 1 {
		start, limit = args[0], args[1]
	}
	step := flow.IntOf(1)
	if c, ok := flow.CompareNumbers(limit, start); len(args) == 3 {
		step = args[2]
	} else if ok && c < 0 {
		step = flow.IntOf(-1) // as Terraform counts
	}
	up, ok := flow.CompareNumbers(step, flow.IntOf(0))
	if up == 0 || !ok {
		return flow.NullValue, errors.New("the step must be a number other than 0")
	}
	n := (limit.Float() - start.Float()) / step.Float()
	if n > MaxElements {
		return flow.NullValue, errTooMany
	}
	var all []flow.Value
	if n > 0 {
		all = make([]flow.Value, 0, int(n)+1)
	}
	for x := start; ; {
		if c, ok := flow.CompareNumbers(limit, x); !ok || c != up {
			return flow.ListOf(all), nil
		}
		if len(all) == MaxElements {
			return flow.NullValue, errTooMany
		}
		all = append(all, x)
		next, err := arithmetic.Add(x, step)
		if err != nil {
			return flow.NullValue, err
		}
		x = next
	}
}

func zipmap(names, vs flow.Value) (flow.Value, error) {
	if len(names.List()) != len(vs.List()) {
		return flow.NullValue, errors.New("there must be as many keys as values")
	}
	o := flow.NewObject(len(names.List()))
	for i, key := range names.List() {
		if key.Kind() != flow.Text {
			return flow.NullValue, fmt.Errorf("a key is %s, where a string is wanted", key.Kinds())
		}
		o.Set(key.Text(), vs.List()[i])
	}
	return flow.MapOf(o), nil
}

func element(v, at flow.Value) (flow.Value, error) {
	i, err := arithmetic.Whole(at, "the index")
	if err != nil {
		return flow.NullValue, err
	}
	n := int64(len(v.List()))
	if n == 0 {
		return flow.NullValue, errors.New("an empty list has no element")
	}
	return v.List()[(i%n+n)%n], nil
}

func indexOf(v, x flow.Value) (flow.Value, error) {
	i := slices.IndexFunc(v.List(), x.Equal)
	if i < 0 {
		return flow.NullValue, errors.New("no element of the list equals the value: contains() tells whether one does")
	}
	return flow.IntOf(int64(i)), nil
}

func compact(v flow.Value) (flow.Value, error) {
	var kept []flow.Value
	for _, x := range v.List() {
		if !x.IsNull() && !(x.Kind() == flow.Text && x.Text() == "") {
			kept = append(kept, x)
		}
	}
	return flow.ListOf(kept), nil
}

func chunklist(v, size flow.Value) (flow.Value, error) {
	n, err := arithmetic.Within(size, "the size", 1, MaxElements)
	if err != nil {
		return flow.NullValue, err
	}
	var chunks []flow.Value
	for chunk := range slices.Chunk(v.List(), n) {
		chunks = append(chunks, flow.ListOf(chunk))
	}
	return flow.ListOf(chunks), nil
}

// oneIs reports whether a bool in the list is b; null counts as false.
func oneIs(v flow.Value, b bool) (flow.Value, error) {
	found := false
	for _, x := range v.List() {
		if x.Kind() != flow.Bool && !x.IsNull() {
			return flow.NullValue, fmt.Errorf("the list has %s in it, where only bools are wanted", x.Kinds())
		}
		found = found || x.Bool() == b
	}
	return flow.BoolOf(found), nil
}
