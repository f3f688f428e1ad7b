package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	long := `"` + strings.Repeat("x", 100_000) + `"` // longer than a read
	l, closing, err := newLines("-", strings.NewReader("1\r\n\n  \n{\"a\": 1.0}\nno\n"+long+"\n2"))
	if err != nil {
		t.Fatal(err)
	}
	defer closing()
	for _, want := range []string{"1", `{"a": 1.0}`, "line 5 of standard input: ", long, "2", "EOF"} {
		e, err := l.next()
		got := string(e.Raw)
		if one := (*lineError)(nil); errors.As(err, &one) {
			got = err.Error()[:len(want)]
		} else if errors.Is(err, io.EOF) {
			got = "EOF"
		} else if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("got %.50s, want %.50s", got, want)
		}
	}
}

// What is too long is refused before it is all in memory.
func TestLinesAreBounded(t *testing.T) {
	for _, read := range []func(l *lines) error{
		func(l *lines) error { _, err := l.next(); return err },
		func(l *lines) error { _, err := l.all(); return err },
	} {
		l, closing, err := newLines("-", endless{})
		if err != nil {
			t.Fatal(err)
		}
		defer closing()
		if err := read(l); err == nil || !strings.Contains(err.Error(), "longer than 16MiB") {
			t.Errorf("an endless line gives %v", err)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '1'
	}
	return len(p), nil
}

const livePipelines = `
pipeline "double" {
  map "x" {
    event = event * 2
  }
}

pipeline "sums" {
  window "w" {
    kind     = "tumbling"
    interval = "20ms"
    emit     = sum(event)
  }
}
`

// Who types events sees what becomes of each at once, and of a window when its
// time is over.
func TestAnswersComeWhileInputGoesOn(t *testing.T) {
	flow := filepath.Join(t.TempDir(), "flow.hcl")
	if err := os.WriteFile(flow, []byte(livePipelines), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		answers string
		args    []string
	}{
		{"2\n4\n6\n", []string{"pipe", flow, "double"}},
		{"1\n2\n3\n", []string{"pipe", flow, "sums"}},
		{"2\n4\n6\n", []string{"eval", "--event", "-", "--each-line", "event * 2"}},
	} {
		stdin, in := io.Pipe()
		out, stdout := io.Pipe()
		code := make(chan int, 1)
		var stderr strings.Builder
		go func() {
			code <- run(c.args, stdin, stdout, &stderr)
			_ = stdout.Close() // never fails
		}()
		answers := make([]byte, 0, len(c.answers))
		for _, line := range []string{"1", "2", "3"} {
			if _, err := io.WriteString(in, line+"\n"); err != nil {
				t.Fatal(err)
			}
			n := len(answers)
			answers = answers[:n+2]
			if _, err := io.ReadFull(out, answers[n:]); err != nil {
				t.Fatalf("%v: %v\n%s", c.args, err, &stderr)
			}
		}
		_ = in.Close() // never fails
		rest, err := io.ReadAll(out)
		if got := string(answers); got != c.answers || len(rest) > 0 || err != nil {
			t.Errorf("%v answers %q and then %q, %v", c.args, got, rest, err)
		}
		if code := <-code; code != 0 {
			t.Errorf("%v: exit code %d\n%s", c.args, code, &stderr)
		}
	}
}
