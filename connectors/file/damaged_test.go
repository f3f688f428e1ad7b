package file_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/connectors/file"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/klauspost/compress/zstd"
)

// A compressed file that is damaged is read as far as it goes, once: what is in it does not
// become better by trying again.
func TestReadWhatIsDamaged(t *testing.T) {
	var text bytes.Buffer
	for i := range 100_000 {
		fmt.Fprintf(&text, "%08x\n", i*2654435761%(1<<32))
	}
	var gz, zst bytes.Buffer
	w := gzip.NewWriter(&gz)
	z, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := w.Write(text.Bytes())
	_, err2 := z.Write(text.Bytes())
	if err1 != nil || err2 != nil || w.Close() != nil || z.Close() != nil {
		t.Fatal(err1, err2)
	}
	overwritten := func(b []byte) []byte {
		b = bytes.Clone(b)
		copy(b[len(b)/2:], "overwritten")
		return b
	}
	const damaged, cut = "the compressed file is damaged", "ends in the middle of a compressed block"
	for name, test := range map[string]struct {
		content     []byte
		compression string
		log         string
		lines       bool // some are there, and whole
	}{
		"cut.gz":     {gz.Bytes()[:gz.Len()/2], "auto", cut, true},
		"cut.zst":    {zst.Bytes()[:zst.Len()/2], "auto", cut, true},
		"worse.gz":   {overwritten(gz.Bytes()), "auto", damaged, false},
		"worse.zst":  {overwritten(zst.Bytes()), "auto", damaged, true},
		"behind.zst": {append(bytes.Clone(zst.Bytes()), "something else"...), "auto", damaged, true},
		"not.gz":     {text.Bytes(), "gzip", damaged, false},
	} {
		s := newScene(t, &file.Config{Path: temp(t, string(test.content)), Mode: "read", Compression: test.compression}, lines(t))
		err := s.start().Wait()
		if ended := (*flow.Ended)(nil); !errors.As(err, &ended) || !strings.Contains(err.Error(), test.log) {
			t.Errorf("%s: Run: %v", name, err)
		}
		if !test.lines {
			continue
		}
		got := flowtest.Texts(t, s.host.Out.Events())
		if i := slices.IndexFunc(got, func(line string) bool { return len(line) != 8 }); i >= 0 || len(got) == 0 {
			t.Errorf("%s: of %d lines, line %d is not whole", name, len(got), i+1)
		}
	}
}
