// Package codectest is what the tests of codecs have in common: messages are
// compared with payloads in JSON, both ways, and what is read of any message must be
// written so that it reads the same, which is what fuzzing asks.
package codectest

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// Arrival is when the events of tests arrive: 2026-11-21T02:13:04.60552Z.
const Arrival = 1795227184605520000

// Of returns the codec of a configuration.
func Of(t testing.TB, c flow.CodecConfig) flow.Codec {
	t.Helper()
	maker, err := c.New()
	if err != nil {
		t.Fatal(err)
	}
	return maker()
}

// With returns what makes configurations of a codec: with their defaults, and a
// change where one is given.
func With[C any](spec flow.Spec[flow.CodecConfig]) func(change func(*C)) *C {
	return func(change func(*C)) *C {
		c := any(spec.Config()).(*C)
		if change != nil {
			change(c)
		}
		return c
	}
}

// Reads checks the payload of a message, as JSON, or its error, behind an
// exclamation mark.
func Reads(t *testing.T, c flow.CodecConfig, message, want string) {
	t.Helper()
	e := flow.Event{Time: Arrival}
	err := Of(t, c).Decode(&e, []byte(message))
	var got []byte
	if err == nil {
		var v flow.Value
		if v, err = e.Payload(); err == nil {
			got, err = jsontext.Append(nil, v, false)
		}
	}
	compare(t, message, string(got), err, want)
}

// Writes checks the message of a payload, given as JSON.
func Writes(t *testing.T, c flow.CodecConfig, payload, want string) {
	t.Helper()
	v, err := jsontext.Parse([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Of(t, c).Encode(nil, &flow.Event{Value: v, Time: Arrival})
	if err != nil {
		got = nil
	}
	compare(t, payload, string(got), err, want)
}

func compare(t *testing.T, of, got string, err error, want string) {
	t.Helper()
	if want, fails := strings.CutPrefix(want, "!"); fails && (err == nil || !strings.Contains(err.Error(), want)) || !fails && (err != nil || got != want) {
		t.Errorf("%q: %s, %v; want %s", of, got, err, want)
	}
}

// ReadsAgain checks that what is read of any message is written so that it reads the same.
// The codec may refuse to write it.
func ReadsAgain(t *testing.T, c flow.CodecConfig, message []byte) {
	t.Helper()
	e, again := flow.Event{Time: Arrival}, flow.Event{Time: Arrival}
	codec := Of(t, c)
	if codec.Decode(&e, message) != nil {
		return
	}
	v, err := e.Payload()
	if err != nil {
		t.Fatalf("%q was accepted: %v", message, err)
	}
	b, err := codec.Encode(nil, &flow.Event{Value: v, Time: Arrival})
	if err != nil {
		return
	}
	if err := codec.Decode(&again, b); err != nil {
		t.Fatalf("%q became %q: %v", message, b, err)
	}
	w, _ := again.Payload()
	twice, err := codec.Encode(nil, &flow.Event{Value: w, Time: Arrival})
	if err != nil || string(twice) != string(b) {
		t.Fatalf("%q became %q, then %q: %v", message, b, twice, err)
	}
}

// ReadsBack checks that a payload, given as JSON, is read again as it was written. The codec
// may refuse to write it.
func ReadsBack(t *testing.T, c flow.CodecConfig, payload string) {
	t.Helper()
	v, err := jsontext.Parse([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	codec := Of(t, c)
	b, err := codec.Encode(nil, &flow.Event{Value: v, Time: Arrival})
	if err != nil {
		return
	}
	e := flow.Event{Time: Arrival}
	if err := codec.Decode(&e, b); err != nil {
		t.Fatalf("%s became %q: %v", payload, b, err)
	}
	if w, err := e.Payload(); err != nil || !w.Equal(v) {
		again, _ := jsontext.Append(nil, w, false)
		t.Fatalf("%s became %q, and that %s: %v", payload, b, again, err)
	}
}
