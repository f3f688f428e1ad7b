package acceptance

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flowtest"
)

// A SIGHUP that comes while the files of the start are being read does not end
// the process: it runs, and has read them again. The file is a pipe here, so that
// the process is seen reading.
func TestSIGHUPWhileFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "vars")
	if err := exec.CommandContext(t.Context(), "mkfifo", pipe).Run(); err != nil {
		t.Skipf("skipped: mkfifo: %v", err)
	}
	addr := flowtest.FreeAddress(t)
	f := start(t, dir, `variable "edition" {
  type = string
}

`+flowWith(addr, `headers = { X-Edition = var.edition }`), "--var-file", pipe)
	first := f.reads(pipe)
	if err := f.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	gives(t, first, `edition = "1"`)
	f.address("edge") // so it has read to the end
	gives(t, f.reads(pipe), `edition = "2"`)
	f.logged("the reload", func(text string) bool { return strings.Contains(text, `"msg":"reloaded"`) })
	if err := echoes(mustDial(t, addr), `"hello"`); err != nil {
		t.Error(err)
	}
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	f.exits(0)
}

// Signals that come while the process ends do not change how it does.
func TestSignalsAtTheEnd(t *testing.T) {
	for range 10 {
		f := start(t, "", flowWith("127.0.0.1:0", ""))
		f.address("edge")
		if err := f.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		f.logged("its exit code", func(text string) bool { return strings.Contains(text, `"msg":"exit"`) })
		for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
			if err := f.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
		f.exits(0)
	}
}

// reads waits until the process reads a pipe, and returns its other end.
func (f *flowrun) reads(pipe string) *os.File {
	f.t.Helper()
	ctx := withPatience(f.t)
	for {
		w, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			return w
		}
		if !errors.Is(err, syscall.ENXIO) { // nobody reads
			f.t.Fatal(err)
		}
		select {
		case <-time.After(time.Millisecond):
		case <-f.Done():
			f.t.Fatal("the process has ended")
		case <-ctx.Done():
			f.t.Fatal("the process does not read")
		}
	}
}

func gives(t *testing.T, w *os.File, text string) {
	t.Helper()
	_, err := w.WriteString(text + "\n")
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
}
