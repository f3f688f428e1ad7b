package packed

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// What End says is whole can be read to its end.
func FuzzEnd(f *testing.F) {
	for _, kind := range []string{Gzip, Zstd} {
		p := NewPacker(kind)
		two := append(bytes.Clone(p.Pack([]byte("one"))), p.Pack(bytes.Repeat([]byte("two"), 1000))...)
		f.Add(kind == Gzip, two)
		f.Add(kind == Gzip, two[:len(two)-3])
		f.Add(kind == Gzip, append(two, "more"...))
	}
	f.Add(false, []byte("\x50\x2a\x4d\x18\x03\x00\x00\x00abc")) // a frame to pass over
	f.Fuzz(func(t *testing.T, zipped bool, data []byte) {
		kind := Zstd
		if zipped {
			kind = Gzip
		}
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		end, err := End(kind, file)
		if end < 0 || end > int64(len(data)) {
			t.Fatalf("of %d bytes %d are whole", len(data), end)
		}
		if err != nil || !zipped {
			return // blocks of zstd are passed over, and not looked into
		}
		r, done, err := Reader(kind, bytes.NewReader(data[:end]))
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("%d bytes that are whole: %v", end, err)
		}
	})
}
