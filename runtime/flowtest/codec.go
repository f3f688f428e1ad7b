package flowtest

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/google/go-cmp/cmp"
)

// Codec holds a codec, with its default configuration, to its contract.
// samples are messages that it must accept, of all the kinds that it knows.
func Codec(t *testing.T, spec flow.Spec[flow.CodecConfig], samples ...[]byte) {
	t.Helper()
	config := spec.Config()
	maker, err := config.New()
	if err != nil {
		t.Fatalf("codec %s: New: %v", spec.Name, err)
	}
	c := &codec{maker: maker}
	for i, sample := range samples {
		t.Run("sample "+strconv.Itoa(i), func(t *testing.T) {
			c.decodes(t, sample)
			c.independent(t, sample, samples)
		})
	}
	t.Run("values survive", func(t *testing.T) {
		for _, v := range values {
			c.roundTrip(t, v)
		}
		for _, sample := range samples {
			c.roundTrip(t, c.decode(t, sample))
		}
	})
	t.Run("what is no message is an error at most", func(t *testing.T) { c.survives(t, samples) })
	t.Run("many goroutines read one form", func(t *testing.T) { c.sharedForm(t, samples) })
}

// values are payloads that a codec may meet; it may refuse those that it
// cannot spell.
var values = []flow.Value{
	flow.NullValue,
	flow.BoolOf(true),
	flow.BoolOf(false),
	flow.IntOf(0),
	flow.IntOf(-1),
	flow.IntOf(1 << 62),
	flow.IntOf(-1 << 63),
	flow.FloatOf(0.5),
	flow.FloatOf(-1e300),
	flow.NumberOf("42.0"),
	flow.NumberOf("12345678901234567890"),
	flow.TextOf(""),
	flow.TextOf("snot badger"),
	flow.TextOf("\"\\\n\t\x00\u2028 ü 世界 \U0001F680"),
	flow.BytesOf(nil),
	flow.BytesOf([]byte{0, 1, 0xfe, 0xff}),
	flow.ListOf(nil),
	flow.ListOf([]flow.Value{flow.IntOf(1), flow.NullValue, flow.ListOf([]flow.Value{flow.TextOf("x")})}),
	flow.MapOf(flow.NewObject(0)),
	flow.MapOf(flow.ObjectOf(
		flow.Field{Key: "z", Value: flow.IntOf(1)},
		flow.Field{Key: "", Value: flow.NullValue},
		flow.Field{Key: "a b", Value: flow.MapOf(flow.ObjectOf(
			flow.Field{Key: "NaN", Value: flow.FloatOf(42)},
			flow.Field{Key: "list", Value: flow.ListOf([]flow.Value{flow.BoolOf(true), flow.TextOf("é")})},
		))},
	)),
}

type codec struct{ maker func() flow.Codec }

// decode returns the payload of a message in a form that owes nothing to it.
func (c *codec) decode(t *testing.T, message []byte) flow.Value {
	t.Helper()
	var e flow.Event
	if err := c.maker().Decode(&e, bytes.Clone(message)); err != nil {
		t.Fatalf("decode %q: %v", message, err)
	}
	v, err := e.Payload()
	if err != nil {
		t.Fatalf("payload of %q, which was accepted: %v", message, err)
	}
	return v
}

// decodes checks what Decode leaves in the event, and the event's Form.
func (c *codec) decodes(t *testing.T, message []byte) {
	t.Helper()
	frame := bytes.Clone(message)
	before := flow.Event{Time: 42, Meta: flow.Meta{Binary: true}, Origin: &flow.Origin{Seq: 7}}
	e := before
	if err := c.maker().Decode(&e, frame); err != nil {
		t.Fatalf("decode %q: %v", message, err)
	}
	if !bytes.Equal(frame, message) {
		t.Fatalf("Decode changed the frame %q to %q", message, frame)
	}
	if e.Time != before.Time || e.Meta != before.Meta || e.Origin != before.Origin {
		t.Errorf("Decode changed more than the payload")
	}
	if (e.Raw == nil) != (e.Form == nil) {
		t.Fatalf("Raw is nil: %v, Form is nil: %v: they go together", e.Raw == nil, e.Form == nil)
	}
	held := e.Held()
	want, err := held.Payload()
	if err != nil {
		t.Fatalf("payload of %q, which was accepted: %v", message, err)
	}
	if e.Raw != nil {
		if !e.Value.IsNull() && !e.Value.Equal(want) {
			t.Errorf("Value and Raw differ: %v", cmp.Diff(want, e.Value))
		}
		readsForm(t, e.Form, e.Raw, want)
		got, err := e.Payload()
		if err != nil {
			t.Fatalf("payload: %v", err)
		}
		scribble(frame)
		scribble(held.Raw)
		if again := c.decode(t, message); !got.Equal(again) || !want.Equal(again) {
			t.Errorf("the payload of %q changed with the frame's bytes: it may be kept and must own its memory", message)
		}
		return
	}
	scribble(frame)
	if again := c.decode(t, message); !e.Value.Equal(again) {
		t.Errorf("the value of %q changed with the frame's bytes: without Raw it must own its memory", message)
	}
}

// readsForm compares what a form finds in raw with the whole value.
func readsForm(t *testing.T, form flow.Form, raw []byte, want flow.Value) {
	t.Helper()
	before := bytes.Clone(raw)
	whole, err := form.Decode(raw)
	if err != nil || !whole.Equal(want) {
		t.Errorf("Form.Decode of %q: %v, %s", raw, err, cmp.Diff(want, whole))
	}
	compareAt(t, form, raw, nil, want)
	opensTo(t, form, raw, want)
	for _, path := range [][]flow.Step{
		{{Key: "no such key"}},
		{{IsIndex: true, Index: 1 << 30}},
		{{Key: "no"}, {IsIndex: true}, {Key: "such"}},
	} {
		if found, ok := form.Find(raw, path); ok {
			t.Errorf("Find of %v in %q gives %q", path, raw, found)
		}
	}
	if !bytes.Equal(raw, before) {
		t.Errorf("the form changed %q to %q", before, raw)
	}
}

// opensTo compares what a form opens, level by level, with the whole value.
func opensTo(t *testing.T, form flow.Form, raw []byte, want flow.Value) {
	t.Helper()
	lazy := flow.LazyOf(raw, form)
	if lazy.Kind() != want.Kind() || !form.Open(raw).Equal(want) || !lazy.Whole().Equal(want) {
		t.Errorf("opened or lazy, %q is another value", raw)
		return
	}
	parts := func(n int, yield func(int) (flow.Value, flow.Value)) {
		for i := range n {
			got, want := yield(i)
			if part, _, ok := got.Encoded(); ok {
				opensTo(t, form, part, want)
			} else if !got.Equal(want) {
				t.Errorf("%q has another scalar when it is opened: %s", raw, cmp.Diff(want, got))
			}
		}
	}
	if len(lazy.List()) != len(want.List()) || lazy.Object().Len() != want.Object().Len() {
		t.Errorf("%q has not as many parts when it is opened", raw)
		return
	}
	parts(len(want.List()), func(i int) (flow.Value, flow.Value) { return lazy.List()[i], want.List()[i] })
	parts(want.Object().Len(), func(i int) (flow.Value, flow.Value) {
		got, want := lazy.Object().Fields()[i], want.Object().Fields()[i]
		if got.Key != want.Key {
			t.Errorf("%q has the key %q when it is opened, not %q", raw, got.Key, want.Key)
		}
		return got.Value, want.Value
	})
}

func compareAt(t *testing.T, form flow.Form, raw []byte, path []flow.Step, want flow.Value) {
	t.Helper()
	found, ok := form.Find(raw, path)
	if !ok {
		t.Errorf("Find of %v in %q finds nothing", path, raw)
		return
	}
	if got, err := form.Decode(found); err != nil || !got.Equal(want) {
		t.Errorf("Find of %v in %q gives %q: %v %s", path, raw, found, err, cmp.Diff(want, got))
	}
	scalar, ok := form.Scalar(found)
	container := want.Kind() == flow.List || want.Kind() == flow.Map
	if ok == container || ok && !scalar.Equal(want) {
		t.Errorf("Scalar of %q gives %v %v", found, scalar.Kind(), ok)
	}
	for i, v := range want.List() {
		compareAt(t, form, raw, append(path[:len(path):len(path)], flow.Step{IsIndex: true, Index: i}), v)
	}
	for _, f := range want.Object().Fields() {
		if f.Key != "" { // a Step cannot say the empty key
			compareAt(t, form, raw, append(path[:len(path):len(path)], flow.Step{Key: f.Key}), f.Value)
		}
	}
}

// roundTrip: what a codec spells it reads, and the second time nothing changes
// any more. The first time a value may take the nearest form that the encoding
// has, as bytes become text in JSON.
func (c *codec) roundTrip(t *testing.T, v flow.Value) {
	t.Helper()
	one, ok := c.encode(t, v)
	if !ok {
		return // refused: Encode has an error for what cannot be spelled
	}
	v2 := c.decode(t, one)
	two, ok := c.encode(t, v2)
	if !ok {
		t.Errorf("%q was decoded to what cannot be encoded", one)
		return
	}
	if v3 := c.decode(t, two); !v2.Equal(v3) {
		t.Errorf("decoded, encoded and decoded again, %q differs: %s", one, cmp.Diff(v2, v3))
	}
	if !bytes.Equal(one, two) {
		t.Errorf("encoded %q, then decoded and encoded again: %q", one, two)
	}
}

func (c *codec) encode(t *testing.T, v flow.Value) ([]byte, bool) {
	t.Helper()
	e := flow.Event{Value: v}
	const before = "before|"
	b, err := c.maker().Encode([]byte(before), &e)
	if err != nil {
		return nil, false
	}
	if !bytes.HasPrefix(b, []byte(before)) {
		t.Errorf("Encode does not append to dst: %q", b)
		return nil, false
	}
	if e.Raw != nil || e.Form != nil || !e.Value.Equal(v) {
		t.Error("Encode changed the event")
	}
	b = b[len(before):]
	if alone, err := c.maker().Encode(nil, &flow.Event{Value: v}); err != nil || !bytes.Equal(alone, b) {
		t.Errorf("Encode appends %q to something and %q to nothing: %v", b, alone, err)
	}
	return b, true
}

// independent: a message means the same whatever was decoded before, here or
// by another instance; and untouched it can be encoded.
func (c *codec) independent(t *testing.T, sample []byte, others [][]byte) {
	t.Helper()
	want := c.decode(t, sample)
	one, two := c.maker(), c.maker()
	for _, other := range others {
		var e, f flow.Event
		if one.Decode(&e, bytes.Clone(other)) != nil || two.Decode(&f, bytes.Clone(sample)) != nil {
			t.Fatal("a sample that was accepted is refused after another")
		}
		got, err := f.Payload()
		if err != nil || !got.Equal(want) {
			t.Errorf("%q after %q in another instance: %v %s", sample, other, err, cmp.Diff(want, got))
		}
		raw := bytes.Clone(f.Raw)
		encoded, err := two.Encode(nil, &f)
		if err != nil {
			t.Errorf("encode %q as it came: %v", sample, err)
			continue
		}
		if again := c.decode(t, encoded); !again.Equal(want) {
			t.Errorf("%q, encoded as it came to %q, differs: %s", sample, encoded, cmp.Diff(want, again))
		}
		if !bytes.Equal(raw, f.Raw) {
			t.Errorf("Encode changed Raw from %q to %q", raw, f.Raw)
		}
	}
}

// survives feeds it damaged messages.
func (c *codec) survives(t *testing.T, samples [][]byte) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	try := func(message []byte) {
		var e flow.Event
		frame := bytes.Clone(message)
		if c.maker().Decode(&e, frame) != nil {
			return
		}
		if v, err := e.Payload(); err != nil {
			t.Errorf("%q was accepted but has no payload: %v", message, err)
		} else if e.Raw != nil {
			readsForm(t, e.Form, e.Raw, v)
		}
	}
	for _, sample := range append(samples, nil, []byte{}, make([]byte, 1000)) {
		for i := range min(len(sample), 200) {
			try(sample[:i])
			try(sample[i:])
			damaged := bytes.Clone(sample)
			damaged[i] = byte(random.Uint32())
			try(damaged)
		}
	}
	for range 200 {
		message := make([]byte, random.IntN(40))
		for i := range message {
			message[i] = byte(random.Uint32())
		}
		try(message)
	}
}

// sharedForm is for the race detector.
func (c *codec) sharedForm(t *testing.T, samples [][]byte) {
	t.Helper()
	for _, sample := range samples {
		var e flow.Event
		if err := c.maker().Decode(&e, bytes.Clone(sample)); err != nil || e.Raw == nil {
			continue
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				own := e
				if v, err := own.Payload(); err == nil {
					readsForm(t, own.Form, own.Raw, v)
				}
			})
		}
		all.Wait()
	}
}

func scribble(b []byte) {
	for i := range b {
		b[i] = '#'
	}
}
