package codecs

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
)

// typical is a message of 143 bytes.
var typical = []byte(`{"type":"message","id":48151623,"from":"snot","to":"badger","text":"the quick brown fox jumps over","price":42.50,"tags":["a","b"],"ok":true}`)

func BenchmarkJSONCheck(b *testing.B) {
	b.Run("own", func(b *testing.B) {
		b.SetBytes(int64(len(typical)))
		for b.Loop() {
			if _, err := checkJSON(typical, 512); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(int64(len(typical)))
		for b.Loop() {
			if !json.Valid(typical) || !utf8.Valid(typical) {
				b.Fatal()
			}
		}
	})
}

func BenchmarkJSON(b *testing.B) {
	codec := codecOf(b, jsonSpec.Config())
	var e flow.Event
	if err := codec.Decode(&e, typical); err != nil {
		b.Fatal(err)
	}
	b.Run("find", func(b *testing.B) {
		path := []flow.Step{{Key: "text"}}
		b.ReportAllocs()
		for b.Loop() {
			raw, _ := e.Form.Find(e.Raw, path)
			if _, ok := e.Form.Scalar(raw); !ok {
				b.Fatal()
			}
		}
	})
	b.Run("untouched", func(b *testing.B) {
		var dst []byte
		b.ReportAllocs()
		for b.Loop() {
			var e flow.Event
			if err := codec.Decode(&e, typical); err != nil {
				b.Fatal(err)
			}
			dst, _ = codec.Encode(dst[:0], &e)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Form.Decode(e.Raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		v, _ := e.Payload()
		changed := flow.Event{Value: v}
		var dst []byte
		b.ReportAllocs()
		for b.Loop() {
			dst, _ = codec.Encode(dst[:0], &changed)
		}
	})
}
