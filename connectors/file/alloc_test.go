package file

import (
	"path/filepath"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

func TestWriteAllocatesNothing(t *testing.T) {
	w := newWriter(&Config{Path: setting.Path(filepath.Join(t.TempDir(), "out"))})
	if err := w.Prepare(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	defer w.Release()
	frames := []flow.Frame{{Data: []byte("snot")}, {Data: []byte("\n")}, {Data: []byte("badger\n")}}
	write := func() {
		if err := w.Write(t.Context(), frames, false); err != nil {
			t.Fatal(err)
		}
	}
	write()
	if n := testing.AllocsPerRun(100, write); n > 0 {
		t.Errorf("a write allocates %v times", n)
	}
}
