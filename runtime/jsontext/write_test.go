package jsontext

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

// TestTextIsEscaped: every byte, wherever in a string it stands, is spelled so
// that others read it back.
func TestTextIsEscaped(t *testing.T) {
	for c := range 256 {
		for before := range 18 {
			for _, after := range []string{"", "a", strings.Repeat("b", 9), "é"} {
				s := strings.Repeat("x", before) + string([]byte{byte(c)}) + after
				b, err := Append([]byte("["), flow.TextOf(s), false)
				if err != nil {
					t.Fatal(err)
				}
				var read []string
				if err := json.Unmarshal(append(b, ']'), &read); err != nil {
					t.Fatalf("%q is spelled %s: %v", s, b[1:], err)
				}
				if want := strings.ToValidUTF8(s, "\ufffd"); read[0] != want {
					t.Fatalf("%q is spelled %s, which reads %q", s, b[1:], read[0])
				}
			}
		}
	}
}
