package jsontext

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// typical is a message of 143 bytes.
var typical = []byte(`{"type":"message","id":48151623,"from":"snot","to":"badger","text":"the quick brown fox jumps over it","price":42.50,"tags":["a","b"],"ok":true}`)

func BenchmarkCheck(b *testing.B) {
	b.SetBytes(int64(len(typical)))
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Check(typical, 512); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !json.Valid(typical) || !utf8.Valid(typical) {
				b.Fatal("not valid")
			}
		}
	})
}
