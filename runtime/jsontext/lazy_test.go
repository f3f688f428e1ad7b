package jsontext

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest/cputime"
	"github.com/flowrun/flowrun/runtime/valuekey"
)

// checked returns a text that was checked.
func checked(t testing.TB, s string) []byte {
	t.Helper()
	text, err := Check([]byte(s), DefaultDepth)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return text
}

// with returns v, an object, with one more field.
func with(v flow.Value, key string, field flow.Value) flow.Value {
	o := v.Object().Clone()
	o.Set(key, field)
	return flow.MapOf(o)
}

// TestUntouchedPartsKeepTheirSpelling: when a part of a text changes, the
// others leave as they came.
func TestUntouchedPartsKeepTheirSpelling(t *testing.T) {
	const text = `{ "b" : [1.0, 1e3,-0 ,12345678901234567890 ] , "n":42.50, "a":{"z":"\u0041\/", "y" : {"d":1,"d":2}},"t":"é"}`
	for _, test := range []struct {
		change func(v flow.Value) flow.Value
		want   string
	}{
		{func(v flow.Value) flow.Value { return v }, text},
		{func(v flow.Value) flow.Value { v.Object(); return v }, text},
		{func(v flow.Value) flow.Value { return with(v, "x", flow.IntOf(1)) },
			`{"b":[1.0, 1e3,-0 ,12345678901234567890 ],"n":42.50,"a":{"z":"\u0041\/", "y" : {"d":1,"d":2}},"t":"é","x":1}`},
		{func(v flow.Value) flow.Value { return with(v, "b", flow.NullValue) },
			`{"b":null,"n":42.50,"a":{"z":"\u0041\/", "y" : {"d":1,"d":2}},"t":"é"}`},
		{func(v flow.Value) flow.Value {
			a, _ := v.Object().Get("a")
			return with(v, "a", with(a, "q", flow.ListOf([]flow.Value{a})))
		}, `{"b":[1.0, 1e3,-0 ,12345678901234567890 ],"n":42.50,"a":{"z":"A/","y":{"d":1,"d":2},"q":[{"z":"\u0041\/", "y" : {"d":1,"d":2}}]},"t":"é"}`},
	} {
		got, err := Append(nil, test.change(flow.LazyOf(checked(t, text), Form{})), false)
		if err != nil || string(got) != test.want {
			t.Errorf("got %v\n%s\nwant\n%s", err, got, test.want)
		}
	}
}

func TestLazyInOtherStyles(t *testing.T) {
	v := flow.LazyOf(checked(t, "{\"b\":[ {\"y\":1.0,\"x\":\"\\u0041\"},\n2 ],\"a\":{}}"), Form{})
	v = with(v, "A", flow.IntOf(1))
	for _, test := range []struct {
		style Style
		want  string
	}{
		{Style{}, `{"b":[{"y":1.0,"x":"\u0041"},2],"a":{},"A":1}`}, // one line, as it came
		{Style{Compact: true}, `{"b":[{"y":1.0,"x":"A"},2],"a":{},"A":1}`},
		{Style{SortKeys: true}, `{"A":1,"a":{},"b":[{"x":"A","y":1.0},2]}`},
		{Style{Indent: 1}, "{\n \"b\": [\n  {\n   \"y\": 1.0,\n   \"x\": \"A\"\n  },\n  2\n ],\n \"a\": {},\n \"A\": 1\n}"},
	} {
		if got, err := test.style.Append(nil, v); err != nil || string(got) != test.want {
			t.Errorf("%+v: %v\n%s\nwant\n%s", test.style, err, got, test.want)
		}
	}
}

// TestDeepNestingIsNotReadForEveryLevel: who goes down a value level by level
// does not read what is nested deeply once for every level.
func TestDeepNestingIsNotReadForEveryLevel(t *testing.T) {
	const levels = 4_000
	comb := strings.Repeat(`[0,{"k":`, levels/2) + "0" + strings.Repeat("}]", levels/2)
	text, err := Check([]byte(comb), levels)
	if err != nil {
		t.Fatal(err)
	}
	v := flow.LazyOf(text, Form{})
	full, _ := Form{}.Decode(text)
	for name, f := range map[string]func(){
		"equal":  func() { _ = flow.LazyOf(text, Form{}).Equal(flow.LazyOf(text, Form{})) },
		"walk":   func() { deepest(flow.LazyOf(text, Form{})) },
		"key":    func() { valuekey.Append(nil, v) },
		"sorted": func() { _, _ = Append(nil, v, true) },
	} {
		decode := best(func() {
			_, _ = Form{}.Decode(text)
			_ = full.Equal(full)
		})
		if ratio := float64(best(f)) / float64(decode); ratio > 30 {
			t.Errorf("%s costs %.0f times what it costs to decode all and compare it", name, ratio)
		}
	}
}

// deepest goes down the last parts of a value.
func deepest(v flow.Value) flow.Value {
	for {
		list, fields := v.List(), v.Object().Fields()
		switch {
		case len(list) > 0:
			v = list[len(list)-1]
		case len(fields) > 0:
			v = fields[len(fields)-1].Value
		default:
			return v
		}
	}
}

// best is the least time that f took in a few rounds.
func best(f func()) time.Duration {
	shortest := time.Duration(math.MaxInt64)
	for range 8 {
		shortest = min(shortest, cputime.Of(f))
	}
	return shortest
}

// document is a text of about size bytes, as an order may look.
func document(size int) string {
	var b strings.Builder
	b.WriteString(`{"id":"o-48151623","type":"order","created":"2026-07-13T09:30:00Z","total":1234.50,"customer":{"id":42,"name":"Snot Badger","address":{"street":"Burrow Road 7","city":"Metronome","zip":"4242"}},"tags":["new","gift"],"items":[`)
	for i := 0; b.Len() < size-100; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"sku":"sku-%d","name":"a part with \"quotes\" in its name","price":%d.50,"count":%d,"open":true}`, i, i*3, i%7)
	}
	b.WriteString(`],"note":"leave it at the door","paid":false}`)
	return b.String()
}

// changes are what a flow may do with a document: to change one field of it,
// and to take one part.
var changes = map[string]func(v flow.Value) flow.Value{
	"add": func(v flow.Value) flow.Value { return with(v, "x", flow.IntOf(1)) },
	"take": func(v flow.Value) flow.Value {
		items, _ := v.Object().Get("items")
		return flow.MapOf(flow.ObjectOf(flow.Field{Key: "a", Value: items}))
	},
}

// changeLazily checks, changes and writes a text; changeInFull, the baseline,
// decodes and encodes all of it.
func changeLazily(dst, text []byte, change func(flow.Value) flow.Value) []byte {
	raw, _ := Check(text, DefaultDepth)
	dst, _ = Append(dst[:0], change(flow.LazyOf(raw, Form{})), false)
	return dst
}

func changeInFull(dst, text []byte, change func(flow.Value) flow.Value) []byte {
	raw, _ := Check(text, DefaultDepth)
	v, _ := Form{}.Decode(raw)
	dst, _ = Append(dst[:0], change(v), false)
	return dst
}

// timesFaster is how many times less it costs to change a text lazily.
func timesFaster(text []byte, change func(flow.Value) flow.Value) float64 {
	var dst []byte
	lazy, full := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for range 4 { // in turn, since others use the machine, too
		full = min(full, best(func() { dst = changeInFull(dst, text, change) }))
		lazy = min(lazy, best(func() { dst = changeLazily(dst, text, change) }))
	}
	return float64(full) / float64(lazy)
}

func TestChangeCostsLessThanAll(t *testing.T) {
	text := []byte(document(100 << 10))
	for name, change := range changes {
		if x := timesFaster(text, change); x < 1.5 {
			t.Errorf("%s: a lazy change is %.1f times as fast as one in full", name, x)
		}
		dst := changeLazily(nil, text, change)
		if lazy, full := checked(t, string(dst)), checked(t, string(changeInFull(nil, text, change))); string(lazy) != string(full) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, lazy, full)
		}
	}
}

// BenchmarkChange is what it costs to change a document, beside how many times
// more it costs to decode and encode everything.
func BenchmarkChange(b *testing.B) {
	for _, kilobytes := range []int{1, 10, 100} {
		text := []byte(document(kilobytes << 10))
		for _, name := range []string{"add", "take"} {
			b.Run(name+"/"+strconv.Itoa(kilobytes)+"KB", func(b *testing.B) {
				var dst []byte
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					dst = changeLazily(dst, text, changes[name])
				}
				b.ReportMetric(timesFaster(text, changes[name]), "x-faster-than-full")
			})
		}
	}
}

// BenchmarkParts is what a document costs step by step.
func BenchmarkParts(b *testing.B) {
	text := []byte(document(100 << 10))
	raw, _ := Check(text, DefaultDepth)
	full, _ := Form{}.Decode(raw)
	var dst []byte
	for _, bench := range []struct {
		name string
		f    func()
	}{
		{"check", func() { _, _ = Check(text, DefaultDepth) }},
		{"open", func() { Form{}.Open(raw) }},
		{"find", func() { Form{}.Find(raw, []flow.Step{{Key: "note"}}) }},
		{"decode", func() { _, _ = Form{}.Decode(raw) }},
		{"encode", func() { dst, _ = Append(dst[:0], full, false) }},
		{"copy", func() { dst = AppendLine(dst[:0], raw) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				bench.f()
			}
		})
	}
}
