package position

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzPlaces(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("{}"))
	f.Add(formatPlaces(nil))
	f.Add(formatPlaces([]Place{{Path: "/a\xff\n\"", Device: 1, Inode: 1<<64 - 1, Offset: 3, Head: 3, SHA256: HashOf([]byte("abc"))}}))
	f.Fuzz(func(t *testing.T, text []byte) {
		files, begun, err := parsePlaces(text)
		if err != nil || !begun {
			return
		}
		for _, p := range files {
			p.Fits(bytes.NewReader(text), int64(len(text)))
		}
		again, _, err := parsePlaces(formatPlaces(files))
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		if len(files) > 0 && !cmp.Equal(files, again) {
			t.Error(cmp.Diff(files, again))
		}
	})
}
