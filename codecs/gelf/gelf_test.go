package gelf

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

var with = codectest.With[config](Spec)

func TestRead(t *testing.T) {
	const message = ` {"version":"1.1","host":"h","short_message":"m","timestamp":1385053862.3072,"_a":9001} `
	codectest.Reads(t, with(nil), message, strings.TrimSpace(message))
	codectest.Reads(t, with(nil), `{"short_message":"m"}`, `{"short_message":"m"}`)
	codectest.Reads(t, with(nil), `{"version":"2.0","short_message":"m"}`, `!its version is "2.0"`)
	codectest.Reads(t, with(nil), `{"short_message":1}`, `!it has no short_message`)
	codectest.Reads(t, with(nil), `[]`, `!it is no JSON object`)
	codectest.Reads(t, with(nil), `{"a"`, `!decode a message as GELF: `)
	codectest.Reads(t, with(func(c *config) { c.MaxDepth = 1 }), `{"a":{}}`, `!nested too deep`)
}

func TestWrite(t *testing.T) {
	host := func(c *config) { c.Host = "edge" }
	codectest.Writes(t, with(host), `{"short_message":"m"}`, `{"version":"1.1","host":"edge","short_message":"m","timestamp":1795227184.605}`)
	codectest.Writes(t, with(nil), `{"host":"h","short_message":"m","timestamp":1795227184,"level":"Warn","full_message":"f","line":7,"file":true}`,
		`{"version":"1.1","host":"h","short_message":"m","timestamp":1795227184.0,"level":4,"full_message":"f","line":7,"_file":"true"}`)
	codectest.Writes(t, with(host), `{"short_message":"m","timestamp":"2026-11-21 02:13:16.605547","a b":{"c":[1,{"d":false}],"e":null},"id":5,"_id":6,"_kept":1.50}`,
		`{"version":"1.1","host":"edge","short_message":"m","timestamp":1795227196.605,"_a_b_c_0":1,"_a_b_c_1_d":"false","_kept":1.50}`)
	log := with(func(c *config) { c.Host = "edge"; c.ShortMessageKey = "log" })
	codectest.Writes(t, log, `{"log":"m","short_message":"other","level":"3"}`, `{"version":"1.1","host":"edge","short_message":"m","timestamp":1795227184.605,"_short_message":"other","level":3}`)
	codectest.Writes(t, with(nil), `{"short_message":"m"}`, `!it has no host`)
	codectest.Writes(t, with(host), `{"short_message":5}`, `!it has no "short_message" that is a string`)
	codectest.Writes(t, with(host), `{"short_message":"m","level":8}`, `!its level is neither`)
	codectest.Writes(t, with(host), `{"short_message":"m","timestamp":"soon"}`, `!its timestamp is no time`)
	codectest.Writes(t, with(host), `[1]`, `!of type list, not an object`)
	codectest.Writes(t, with(func(c *config) { c.Host = "h"; c.MaxFields = 5 }), `{"short_message":"m","a":1,"b":2}`, `!more than max_fields 5`)
	codectest.Writes(t, with(func(c *config) { c.Host = "h"; c.MaxKey = 16 }), `{"short_message":"m","abcdefgh":{"ijklmnop":1}}`, `!longer than max_key 16B`)
	if _, err := with(func(c *config) { c.ShortMessageKey = "" }).New(); err == nil {
		t.Error("no key for the message is accepted")
	}
}

// What came as GELF and was not changed leaves as it came, even where the codec
// would not write it so.
func TestUntouched(t *testing.T) {
	var e flow.Event
	codec := codectest.Of(t, with(nil))
	message := `{"short_message": "m", "nested": {"a": true}}`
	if err := codec.Decode(&e, []byte(message)); err != nil {
		t.Fatal(err)
	}
	if b, err := codec.Encode(nil, &e); err != nil || string(b) != message {
		t.Errorf("%s, %v", b, err)
	}
}

// FuzzGELF writes objects that came as JSON, and reads them.
func FuzzGELF(f *testing.F) {
	f.Add(`{"short_message":"m","level":"err","a":{"b":[true,null,{"c":1e3}]},"timestamp":1.5}`)
	f.Add(`{"short_message":"m","ä":1,"_id":{"":{"":1}},"":"","host":"","id":{"x":1}}`)
	f.Fuzz(func(t *testing.T, payload string) {
		v, err := jsontext.Parse([]byte(payload))
		if err != nil {
			return
		}
		codec := codectest.Of(t, with(func(c *config) { c.Host = "h" }))
		b, err := codec.Encode(nil, &flow.Event{Value: v})
		if err != nil {
			return
		}
		var e flow.Event
		if err := codec.Decode(&e, b); err != nil {
			t.Fatalf("%s became %s: %v", payload, b, err)
		}
		w, _ := e.Payload()
		for _, field := range w.Object().Fields() {
			if k := field.Value.Kind(); k != flow.Text && !field.Value.IsNumber() && k != flow.Bytes {
				t.Fatalf("%s became %s", payload, b)
			}
		}
		again, err := codec.Encode(nil, &flow.Event{Value: w})
		if err != nil || string(again) != string(b) {
			t.Fatalf("%s became %s, then %s: %v", payload, b, again, err)
		}
	})
}
