package preprocessors

import (
	"errors"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/setting"
)

func TestCollect(t *testing.T) {
	_, out := sides(t, &collecting{MaxBytes: 4})
	diff(t, result{messages: []string{"abcd", "ef", "123456", "gh"}}, run(t, out, pieces("a", "b", "cd", "ef", "123456", "gh")...))
	diff(t, result{messages: []string{"", "12345"}}, run(t, out, pieces("", "", "12345")...))
	diff(t, result{}, run(t, out))
	// What a failing emit was given is gone, what came with it is not.
	refused := errors.New("no more")
	no := func([]byte) error { return refused }
	if err := errors.Join(out.Process([]byte("abc"), no), out.Process(nil, no)); err != nil {
		t.Error(err)
	}
	if err := out.Process([]byte("def"), no); !errors.Is(err, refused) {
		t.Error(err)
	}
	diff(t, result{messages: []string{"def"}}, run(t, out))
}

func FuzzCollect(f *testing.F) {
	f.Add("a|bc||d", uint8(3))
	f.Fuzz(func(t *testing.T, text string, most uint8) {
		_, out := sides(t, &collecting{MaxBytes: 1 + setting.Size(most)})
		messages := strings.Split(text, "|")
		r := run(t, out, pieces(messages...)...)
		if got, want := strings.Join(r.messages, ""), strings.Join(messages, ""); got != want {
			t.Fatalf("%q became %q", messages, r.messages)
		}
		longest := 1 + int(most)
		for _, m := range messages {
			longest = max(longest, len(m))
		}
		for _, m := range r.messages {
			if len(m) > longest {
				t.Fatalf("%q in messages of %d is %q", messages, 1+int(most), r.messages)
			}
		}
	})
}
