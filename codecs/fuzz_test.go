package codecs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
)

// fuzzDepth is low, so that the limit is met.
const fuzzDepth = 20

func seeds(f *testing.F, name string, more ...string) {
	for _, s := range append(more, samples[name]...) {
		f.Add([]byte(s))
	}
}

// FuzzJSON compares the codec with encoding/json.
func FuzzJSON(f *testing.F) {
	seeds(f, "json", string(typical), "[1,]", `{"a":1,}`, "\"\x1f\"", `"\u12g4"`, "01", "1.", "{}{}", "\"\xff\"", `[[`, `{"a":"\\\""}`,
		strings.Repeat("[", 30)+strings.Repeat("]", 30), strings.Repeat(`{"":`, 20)+"0"+strings.Repeat("}", 20))
	f.Fuzz(func(t *testing.T, message []byte) {
		codec := codectest.Of(t, &jsonConfig{MaxDepth: fuzzDepth})
		original := bytes.Clone(message)
		var e flow.Event
		err := codec.Decode(&e, message)
		good := json.Valid(message) && utf8.Valid(message) && depthOf(message) <= fuzzDepth
		if good != (err == nil) {
			t.Fatalf("%q is good: %v, but: %v", message, good, err)
		}
		if err != nil {
			return
		}
		var want any
		d := json.NewDecoder(bytes.NewReader(message))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		got, err := e.Form.Decode(e.Raw)
		if err != nil || !sameJSON(got, want) {
			t.Fatalf("%q: decoded it differs from %v: %v", message, want, err)
		}
		findsAll(t, e.Form, e.Raw, nil, got)
		if !bytes.Equal(message, original) {
			t.Fatalf("%q was changed to %q", original, message)
		}
		encodes(t, codec, &e, got)
	})
}

// encodes checks how a message leaves: untouched, and in each style.
func encodes(t *testing.T, codec flow.Codec, e *flow.Event, v flow.Value) {
	t.Helper()
	untouched, err := codec.Encode(nil, e)
	if err != nil || bytes.ContainsAny(untouched, "\r\n") {
		t.Fatalf("untouched %q: %q, %v", e.Raw, untouched, err)
	}
	var one, two bytes.Buffer
	if json.Compact(&one, untouched) != nil || json.Compact(&two, e.Raw) != nil || one.String() != two.String() {
		t.Fatalf("untouched %q became %q", e.Raw, untouched)
	}
	for _, c := range []*jsonConfig{{}, {SortKeys: true}, {Indent: 1}, {SortKeys: true, Indent: 3}} {
		c.MaxDepth = fuzzDepth
		styled := codectest.Of(t, c)
		b, err := styled.Encode(nil, &flow.Event{Value: v})
		var again flow.Event
		if err != nil || styled.Decode(&again, b) != nil {
			t.Fatalf("%+v: %q became %q: %v", c, e.Raw, b, err)
		}
		if w, _ := again.Payload(); !w.Equal(v) || !sameSpelling(w, v, c.SortKeys) {
			t.Fatalf("%+v: %q became %q, another value", c, e.Raw, b)
		}
	}
}

// sameSpelling looks closer than Equal: at the order of keys and the spelling
// of numbers.
func sameSpelling(a, b flow.Value, sorted bool) bool {
	if a.Kind() != b.Kind() || a.Kind() == flow.Number && a.Text() != b.Text() {
		return false
	}
	for i, v := range a.List() {
		if !sameSpelling(v, b.List()[i], sorted) {
			return false
		}
	}
	for i, field := range a.Object().Fields() {
		other, _ := b.Object().Get(field.Key)
		if !sorted && b.Object().Fields()[i].Key != field.Key || !sameSpelling(field.Value, other, sorted) {
			return false
		}
	}
	return true
}

// depthOf is how deep a valid JSON text is nested.
func depthOf(message []byte) int {
	d := json.NewDecoder(bytes.NewReader(message))
	depth, deepest := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) || err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// sameJSON compares v with what encoding/json has made of the same message.
func sameJSON(v flow.Value, want any) bool {
	switch want := want.(type) {
	case nil:
		return v.IsNull()
	case bool:
		return v.Kind() == flow.Bool && v.Bool() == want
	case string:
		return v.Kind() == flow.Text && v.Text() == want
	case json.Number:
		if v.Kind() == flow.Int {
			return strconv.FormatInt(v.Int(), 10) == want.String()
		}
		return v.Kind() == flow.Number && v.Text() == want.String()
	case []any:
		if v.Kind() != flow.List || len(v.List()) != len(want) {
			return false
		}
		for i := range want {
			if !sameJSON(v.List()[i], want[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		if v.Kind() != flow.Map || v.Object().Len() != len(want) {
			return false
		}
		for _, field := range v.Object().Fields() {
			other, ok := want[field.Key]
			if !ok || !sameJSON(field.Value, other) {
				return false
			}
		}
		return true
	}
	return false
}

// findsAll compares everything that a form finds in raw with the value v of
// what is at path.
func findsAll(t *testing.T, form flow.Form, raw []byte, path []flow.Step, v flow.Value) {
	t.Helper()
	found, ok := form.Find(raw, path)
	if !ok {
		t.Fatalf("%q has nothing at %v", raw, path)
	}
	scalar, ok := form.Scalar(found)
	container := v.Kind() == flow.List || v.Kind() == flow.Map
	if ok == container || ok && !sameBits(scalar, v) {
		t.Fatalf("%q at %v: %q is not the scalar of the decoded value", raw, path, found)
	}
	if opened := form.Open(found); form.Kind(found) != v.Kind() || !sameParts(opened, v) {
		t.Fatalf("%q at %v: %q opens to something else than the decoded value", raw, path, found)
	}
	path = path[:len(path):len(path)]
	for i, part := range v.List() {
		findsAll(t, form, raw, append(path, flow.Step{Index: i, IsIndex: true}), part)
	}
	for _, field := range v.Object().Fields() {
		findsAll(t, form, raw, append(path, flow.Step{Key: field.Key}), field.Value)
	}
	for _, step := range []flow.Step{{Key: "no such key"}, {Index: len(v.List()), IsIndex: true}, {Index: -1, IsIndex: true}} {
		if found, ok := form.Find(raw, append(path, step)); ok && !(step.Key != "" && v.Kind() == flow.Map) {
			t.Fatalf("%q has %q at %v %v", raw, found, path, step)
		}
	}
}

// sameParts compares one level of a value with it.
func sameParts(opened, v flow.Value) bool {
	same := func(a, b flow.Value) bool {
		_, _, lazy := a.Encoded()
		return a.Kind() == b.Kind() && (lazy || sameBits(a, b))
	}
	list, fields := opened.List(), opened.Object().Fields()
	if opened.Kind() != v.Kind() || len(list) != len(v.List()) || len(fields) != v.Object().Len() {
		return false
	}
	for i := range list {
		if !same(list[i], v.List()[i]) {
			return false
		}
	}
	for i := range fields {
		if f := v.Object().Fields()[i]; f.Key != fields[i].Key || !same(fields[i].Value, f.Value) {
			return false
		}
	}
	return opened.Kind() == flow.List || opened.Kind() == flow.Map || sameBits(opened, v)
}

// sameBits is Equal, with each NaN equal to itself.
func sameBits(a, b flow.Value) bool {
	if a.Kind() == flow.Float && b.Kind() == flow.Float {
		return math.Float64bits(a.Float()) == math.Float64bits(b.Float())
	}
	return a.Kind() == b.Kind() && a.Equal(b)
}

// FuzzMsgpack compares the codec with vmihailenco/msgpack, and sends what it
// has read through JSON.
func FuzzMsgpack(f *testing.F) {
	seeds(f, "msgpack", "\xc1", "\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff\xa0\xc0", "\xdb\x7f\xff\xff\xff", "\xc9\xff\xff\xff\xff\x01",
		strings.Repeat("\x91", 30)+"\xc0", strings.Repeat("\x81\xa0", 20)+"\xc0", "\xca\x7f\xc0\x00\x00", string(typicalMsgpack(f)))
	f.Fuzz(func(t *testing.T, message []byte) {
		codec := codectest.Of(t, &msgpackConfig{MaxDepth: fuzzDepth})
		original := bytes.Clone(message)
		var e flow.Event
		if codec.Decode(&e, message) != nil {
			if want, ok := oracle(message); ok && !beyondOracle(want, 0) {
				t.Fatalf("%x was refused, others read %v", message, want)
			}
			return
		}
		v, err := e.Form.Decode(e.Raw)
		if err != nil {
			t.Fatalf("%x was accepted: %v", message, err)
		}
		if want, ok := oracle(message); ok && !sameMsgpack(v, want) {
			t.Fatalf("%x: decoded it differs from %v", message, want)
		}
		findsAll(t, e.Form, e.Raw, nil, v)
		if untouched, err := codec.Encode(nil, &e); err != nil || !bytes.Equal(untouched, original) {
			t.Fatalf("%x, untouched, became %x: %v", original, untouched, err)
		}
		encoded, err := codec.Encode(nil, &flow.Event{Value: v})
		var again flow.Event
		if err != nil || codec.Decode(&again, encoded) != nil {
			t.Fatalf("%x became %x: %v", message, encoded, err)
		}
		w, _ := again.Payload()
		if twice, err := codec.Encode(nil, &flow.Event{Value: w}); err != nil || !bytes.Equal(twice, encoded) {
			t.Fatalf("%x became %x, then %x: %v", message, encoded, twice, err)
		}
		asJSON, err := codectest.Of(t, jsonSpec.Config()).Encode(nil, &e)
		if err != nil && !strings.Contains(err.Error(), "JSON does not know it") {
			t.Fatalf("%x as JSON: %v", message, err)
		}
		if err == nil && (!json.Valid(asJSON) || !utf8.Valid(asJSON)) {
			t.Fatalf("%x as JSON: %q", message, asJSON)
		}
	})
}

// oracle reads a message with the other implementation. It is false where
// that one gives up: it knows no keys but strings, and no other extensions.
func oracle(message []byte) (v any, ok bool) {
	d := msgpack.NewDecoder(bytes.NewReader(message))
	if len(message) > 1<<12 || promises(message) {
		return nil, false
	}
	v, err := d.DecodeInterface()
	if err != nil {
		return nil, false
	}
	_, err = d.PeekCode()
	return v, err != nil
}

// promises reports whether the message has a length of four bytes somewhere:
// the other implementation believes it, and allocates.
func promises(message []byte) bool {
	return slices.ContainsFunc(message, func(c byte) bool {
		return c == 0xc6 || c == 0xc9 || c == 0xdb || c == 0xdd || c == 0xdf
	})
}

// beyondOracle reports whether the other implementation accepts more than we
// do: deep nesting, and keys that are not UTF-8 or nil.
func beyondOracle(v any, depth int) bool {
	if depth > fuzzDepth {
		return true
	}
	switch v := v.(type) {
	case []any:
		for _, part := range v {
			if beyondOracle(part, depth+1) {
				return true
			}
		}
		return depth == fuzzDepth
	case map[string]any:
		for key, part := range v {
			if !utf8.ValidString(key) || key == "" || beyondOracle(part, depth+1) {
				return true
			}
		}
		return depth == fuzzDepth
	}
	return false
}

// sameMsgpack compares v with what the other implementation has made of the
// same message.
func sameMsgpack(v flow.Value, want any) bool {
	switch want := want.(type) {
	case nil:
		return v.IsNull()
	case bool:
		return v.Kind() == flow.Bool && v.Bool() == want
	case string:
		if !utf8.ValidString(want) {
			return v.Kind() == flow.Bytes && string(v.Bytes()) == want
		}
		return v.Kind() == flow.Text && v.Text() == want
	case []byte:
		return v.Kind() == flow.Bytes && bytes.Equal(v.Bytes(), want) || v.IsNull() && want == nil
	case time.Time:
		return v.Kind() == flow.Bytes || v.Kind() == flow.Text && v.Text() == want.UTC().Format(time.RFC3339Nano)
	case []any:
		if v.Kind() != flow.List || len(v.List()) != len(want) {
			return false
		}
		for i := range want {
			if !sameMsgpack(v.List()[i], want[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		if v.Kind() != flow.Map || v.Object().Len() != len(want) {
			return false
		}
		for _, field := range v.Object().Fields() {
			other, ok := want[field.Key]
			if !ok || !sameMsgpack(field.Value, other) {
				return false
			}
		}
		return true
	}
	switch n := reflect.ValueOf(want); {
	case n.CanInt():
		return v.Kind() == flow.Int && v.Int() == n.Int()
	case n.CanUint() && n.Uint() > math.MaxInt64:
		return v.Kind() == flow.Number && v.Text() == strconv.FormatUint(n.Uint(), 10)
	case n.CanUint():
		return v.Kind() == flow.Int && v.Int() == int64(n.Uint())
	case n.CanFloat():
		return sameBits(v, flow.FloatOf(n.Float()))
	}
	return false
}

func FuzzString(f *testing.F) {
	seeds(f, "string", "\xff", "a\xc3", "\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, message []byte) {
		e, accepted := verbatim(t, stringSpec.Config(), message)
		if accepted != utf8.Valid(message) {
			t.Fatalf("%q was accepted: %v", message, accepted)
		}
		if v, err := e.Payload(); accepted && (err != nil || v.Kind() != flow.Text || v.Text() != string(message)) {
			t.Fatalf("%q became %v %q", message, v.Kind(), v.Text())
		}
	})
}

func FuzzBinary(f *testing.F) {
	seeds(f, "binary")
	f.Fuzz(func(t *testing.T, message []byte) {
		e, accepted := verbatim(t, binarySpec.Config(), message)
		if !accepted {
			t.Fatalf("%q was refused", message)
		}
		if v, err := e.Payload(); err != nil || v.Kind() != flow.Bytes || !bytes.Equal(v.Bytes(), message) {
			t.Fatalf("%q became %v %q", message, v.Kind(), v.Bytes())
		}
	})
}

// verbatim decodes a message and checks that it is encoded as it came,
// untouched or not.
func verbatim(t *testing.T, config flow.CodecConfig, message []byte) (flow.Event, bool) {
	t.Helper()
	codec := codectest.Of(t, config)
	var e flow.Event
	if codec.Decode(&e, message) != nil {
		return e, false
	}
	v, err := e.Form.Decode(e.Raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []flow.Event{e, {Value: v}} {
		if b, err := codec.Encode(nil, &e); err != nil || !bytes.Equal(b, message) {
			t.Fatalf("%q became %q: %v", message, b, err)
		}
	}
	return e, true
}

func FuzzNull(f *testing.F) {
	seeds(f, "null")
	f.Fuzz(func(t *testing.T, message []byte) {
		codec := codectest.Of(t, nullSpec.Config())
		e := flow.Event{Value: flow.IntOf(1)}
		if err := codec.Decode(&e, message); err != nil || e.Raw != nil || !e.Value.IsNull() {
			t.Fatalf("%q became %v: %v", message, e.Value.Kind(), err)
		}
		if b, err := codec.Encode([]byte("x"), &e); err != nil || string(b) != "x" {
			t.Fatalf("%q: %q, %v", message, b, err)
		}
	})
}
