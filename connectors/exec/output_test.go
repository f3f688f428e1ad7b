package exec

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// pipe is the output of a program that has printed text, and has ended so long ago that
// nobody is waited for. Somebody else holds the pipe.
func pipe(t *testing.T, text string) *output {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.Close()
		_ = w.Close()
	})
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	o := &output{File: r}
	if err := o.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	return o
}

// Who comes late to what a program has printed misses nothing of it.
func TestWhatIsReadLateIsWhole(t *testing.T) {
	text := strings.Repeat("a line\n", 5000)
	got, err := io.ReadAll(pipe(t, text))
	if err != nil || string(got) != text {
		t.Errorf("%d of %d bytes, %v", len(got), len(text), err)
	}
	core, logs := observer.New(zapcore.InfoLevel)
	tell(pipe(t, "what is wrong\nand why"), zap.New(core))
	if all := logs.All(); len(all) != 2 || all[1].ContextMap()["line"] != "and why" {
		t.Errorf("logged %v", all)
	}
}
