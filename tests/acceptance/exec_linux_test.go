package acceptance

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const programs = `
connector "exec" "program" {
  command = ["sh", "-c", "exec 9>held; echo ready; exec sleep 1000"]
  codec   = "string"
  mode    = "source"
}

connector "stdio" "console" {
  codec = "string"
}

connect "out" {
  from = connector.program
  to   = connector.console
}
`

// However flowrun ends, the program that it has started ends, too: what it holds is a
// pipe.
func TestProgramsDoNotOutliveTheProcess(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		dir := t.TempDir()
		path := filepath.Join(dir, "held")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		held, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = held.Close() }() // it is only read
		f := start(t, dir, programs)
		if err := f.Stdout.Wait(withPatience(t), func(text string) bool { return strings.Contains(text, "ready") }); err != nil {
			t.Fatal(err)
		}
		if err := f.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := held.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := held.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after %v the program is still there: %v", signal, err)
		}
		<-f.Done()
	}
}
