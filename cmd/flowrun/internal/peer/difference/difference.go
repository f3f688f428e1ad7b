// Package difference tells where what has come begins to be another thing than
// what was expected: in one line, which stays short whatever the two are like.
package difference

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/wire"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// Finder says what is compared.
type Finder struct {
	Ignore []string // paths, in which * is any key or index: "ts", "items.*.ts"
	Part   bool     // got may have fields that want has not
}

// First tells the first difference of two values, "" when there is none.
func (f *Finder) First(want, got flow.Value) string { return f.first("", want, got) }

func (f *Finder) first(at string, want, got flow.Value) string {
	if f.ignored(at) {
		return ""
	}
	where := at
	if where == "" {
		where = "the whole"
	}
	switch {
	case want.Kind() == flow.Map && got.Kind() == flow.Map:
		for _, w := range want.Object().Fields() {
			g, ok := got.Object().Get(w.Key)
			path := at + "." + w.Key
			if !ok && !f.ignored(path) {
				return path + " is missing"
			}
			if d := f.first(path, w.Value, g); d != "" {
				return d
			}
		}
		for _, g := range got.Object().Fields() {
			path := at + "." + g.Key
			if _, ok := want.Object().Get(g.Key); !ok && !f.Part && !f.ignored(path) {
				return path + " was not expected: it is " + Spell(g.Value)
			}
		}
		return ""
	case want.Kind() == flow.List && got.Kind() == flow.List:
		w, g := want.List(), got.List()
		for i := range min(len(w), len(g)) {
			if d := f.first(at+"."+strconv.Itoa(i), w[i], g[i]); d != "" {
				return d
			}
		}
		if len(w) != len(g) {
			return fmt.Sprintf("%s has %d elements, not %d", where, len(g), len(w))
		}
		return ""
	case want.Equal(got):
		return ""
	}
	return fmt.Sprintf("%s is %s, not %s", where, Spell(got), Spell(want))
}

// ignored reports whether the field at path is left out of the comparison. In
// what is ignored, * is any key or index.
func (f *Finder) ignored(path string) bool {
	keys := strings.Split(strings.TrimPrefix(path, "."), ".")
	return slices.ContainsFunc(f.Ignore, func(pattern string) bool {
		return slices.EqualFunc(strings.Split(pattern, "."), keys, func(p, k string) bool { return p == "*" || p == k })
	})
}

// Bytes tells the first difference of two messages that are not equal.
func Bytes(want, got []byte) string {
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	switch {
	case i == len(want):
		return fmt.Sprintf("it goes on after byte %d", i)
	case i == len(got):
		return fmt.Sprintf("it ends after byte %d of %d", i, len(want))
	}
	return fmt.Sprintf("they differ from byte %d on", i+1)
}

// Plain is v as it comes back from JSON, so that bytes and such compare.
func Plain(v flow.Value) (flow.Value, error) {
	b, err := jsontext.Style{Compact: true}.Append(nil, v)
	if err != nil {
		return v, err
	}
	return jsontext.Parse(b)
}

// Spell tells a value in one line.
func Spell(v flow.Value) string {
	b, err := jsontext.Style{Compact: true}.Append(nil, v)
	if err != nil {
		return v.Kinds().String()
	}
	return wire.Excerpt(b)
}
