package preprocessors

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/setting"
)

func TestChunk(t *testing.T) {
	_, out := sides(t, &chunking{MaxBytes: 3})
	diff(t, result{messages: []string{"a", "", "abc", "abc", "d", "abc", "def"}}, run(t, out, pieces("a", "", "abc", "abcd", "abcdef")...))
	_, out = sides(t, chunkSpec.Config())
	diff(t, result{messages: []string{long(64 << 10), "x"}}, run(t, out, []byte(long(64<<10)+"x")))
}

func FuzzChunk(f *testing.F) {
	f.Add([]byte("abc"), uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, most uint16) {
		if len(data) == 0 {
			return
		}
		_, out := sides(t, &chunking{MaxBytes: 1 + setting.Size(most)})
		r := run(t, out, data)
		if got := strings.Join(r.messages, ""); got != string(data) {
			t.Fatalf("%q became %q", data, r.messages)
		}
		for i, m := range r.messages {
			if len(m) > 1+int(most) || i < len(r.messages)-1 && len(m) <= int(most) || i > 0 && m == "" {
				t.Fatalf("%q in pieces of %d is %q", data, 1+int(most), r.messages)
			}
		}
	})
}
