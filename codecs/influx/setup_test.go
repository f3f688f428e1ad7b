package influx

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// arrival is when the events of tests arrive: 2026-11-21T02:13:04.60552Z.
const arrival = 1795227184605520000

func codecOf(t testing.TB, c *config) flow.Codec {
	t.Helper()
	maker, err := c.New()
	if err != nil {
		t.Fatal(err)
	}
	return maker()
}

// reads checks the payload of a message, as JSON, or its error, behind an
// exclamation mark.
func reads(t *testing.T, c *config, message, want string) {
	t.Helper()
	e := flow.Event{Time: arrival}
	err := codecOf(t, c).Decode(&e, []byte(message))
	var got []byte
	if err == nil {
		var v flow.Value
		if v, err = e.Payload(); err == nil {
			got, err = jsontext.Append(nil, v, false)
		}
	}
	compare(t, message, string(got), err, want)
}

// writes checks the message of a payload, given as JSON.
func writes(t *testing.T, c *config, payload, want string) {
	t.Helper()
	v, err := jsontext.Parse([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	got, err := codecOf(t, c).Encode(nil, &flow.Event{Value: v, Time: arrival})
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

// readsAgain: what is read of any message is written so that it reads the same.
// The codec may refuse to write it.
func readsAgain(t *testing.T, c *config, message []byte) {
	t.Helper()
	e, again := flow.Event{Time: arrival}, flow.Event{Time: arrival}
	codec := codecOf(t, c)
	if codec.Decode(&e, message) != nil {
		return
	}
	v, err := e.Payload()
	if err != nil {
		t.Fatalf("%q was accepted: %v", message, err)
	}
	b, err := codec.Encode(nil, &flow.Event{Value: v, Time: arrival})
	if err != nil {
		return
	}
	if err := codec.Decode(&again, b); err != nil {
		t.Fatalf("%q became %q: %v", message, b, err)
	}
	w, _ := again.Payload()
	twice, err := codec.Encode(nil, &flow.Event{Value: w, Time: arrival})
	if err != nil || string(twice) != string(b) {
		t.Fatalf("%q became %q, then %q: %v", message, b, twice, err)
	}
}
