package compare

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/valuekey"
)

// Values compares events in their order, or as a bag.
func Values(what, name string, want, got []flow.Value, ignore []string, unordered bool) (m Mismatch, differs bool) {
	want, got = eachWithout(want, ignore), eachWithout(got, ignore)
	if unordered {
		want, got = sortValues(want), sortValues(got)
	}
	first := 0
	for first < min(len(want), len(got)) && want[first].Equal(got[first]) {
		first++
	}
	if first == len(want) && first == len(got) {
		return m, false
	}
	var why string
	switch {
	case unordered:
		why = bagDifference(want, got)
	case first == len(want):
		why = fmt.Sprintf("it holds %d more than the %d expected", len(got)-len(want), len(want))
	case first == len(got):
		why = fmt.Sprintf("it holds %d of the %d expected", len(got), len(want))
	default:
		at := ""
		if len(want) > 1 || len(got) > 1 {
			at = fmt.Sprintf("event %d: ", first+1)
		}
		why = at + First(want[first], got[first], false)
	}
	return Mismatch{fmt.Sprintf("%s is not %s: %s", what, name, why), valueDiff(name, want, what, got)}, true
}

// Parse reads the values of a text: one, or one in each line.
func Parse(text []byte, format, name string) ([]flow.Value, error) {
	if format == "json" {
		v, err := jsontext.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s is not JSON: %w", name, err)
		}
		return []flow.Value{v}, nil
	}
	var all []flow.Value
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		v, err := jsontext.Parse(line)
		if err != nil {
			return nil, fmt.Errorf("line %d of %s is not JSON: %w: %s", n, name, err, Clip(Readable(line)))
		}
		all = append(all, v)
	}
	return all, nil
}

// Plain is v as it comes back from JSON, so that bytes and such compare.
func Plain(v flow.Value) (flow.Value, error) {
	b, err := jsontext.Style{Compact: true}.Append(nil, v)
	if err != nil {
		return v, err
	}
	return jsontext.Parse(b)
}

// elements are the elements of a single list.
func elements(values []flow.Value) []flow.Value {
	if len(values) == 1 && values[0].Kind() == flow.List {
		return values[0].List()
	}
	return values
}

func eachWithout(values []flow.Value, paths []string) []flow.Value {
	out := make([]flow.Value, len(values))
	for i, v := range values {
		out[i] = Without(v, paths)
	}
	return out
}

// Without returns v less what is at the paths, in which * is any key or index:
// "ts", "items.*.ts".
func Without(v flow.Value, paths []string) flow.Value {
	for _, path := range paths {
		v = without(v, strings.Split(path, "."))
	}
	return v
}

func without(v flow.Value, path []string) flow.Value {
	switch v.Kind() {
	case flow.Map:
		o := flow.NewObject(v.Object().Len())
		for _, f := range v.Object().Fields() {
			switch {
			case path[0] != "*" && path[0] != f.Key:
				o.Set(f.Key, f.Value)
			case len(path) > 1:
				o.Set(f.Key, without(f.Value, path[1:]))
			}
		}
		return flow.MapOf(o)
	case flow.List:
		var list []flow.Value
		for i, e := range v.List() {
			switch {
			case path[0] != "*" && path[0] != fmt.Sprint(i):
				list = append(list, e)
			case len(path) > 1:
				list = append(list, without(e, path[1:]))
			}
		}
		return flow.ListOf(list)
	}
	return v
}

func sortValues(values []flow.Value) []flow.Value {
	type keyed struct {
		key string
		v   flow.Value
	}
	all := make([]keyed, len(values))
	for i, v := range values {
		all[i] = keyed{string(valuekey.Append(nil, v)), v}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	out := make([]flow.Value, len(all))
	for i, k := range all {
		out[i] = k.v
	}
	return out
}
