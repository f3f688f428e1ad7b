package top

import (
	"bytes"
	"context"
	"os"

	"golang.org/x/term"
)

// What is written to a terminal to change more than the letters on it (ECMA-48, and
// what xterm has added to it).
const (
	enter  = "\x1b[?1049h\x1b[?25l" // another screen, and no cursor on it
	leave  = "\x1b[?25h\x1b[?1049l"
	home   = "\x1b[H"
	toEnd  = "\x1b[K" // clears the rest of the line
	below  = "\x1b[J" // clears the rest of the line, and all lines below
	normal = "\x1b[0m"
)

var styles = map[style]string{head: "\x1b[1m", bad: "\x1b[31m", worse: "\x1b[33m"}

// The keys that end it: q, and in the terminal's raw mode, ctrl-C and ctrl-D.
const keys = "qQ\x03\x04"

// live keeps the table up to date until a key, or the end of ctx.
func (t *top) live(ctx context.Context, r *reading, in, out *os.File) (err error) {
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return err
	}
	defer func() {
		_, _ = out.WriteString(leave)
		_ = term.Restore(int(in.Fd()), before)
	}()
	if _, err := out.WriteString(enter); err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() { // ends with the process: a read from a terminal cannot be called off
		defer end()
		var key [16]byte
		for {
			n, err := in.Read(key[:])
			if err != nil || bytes.ContainsAny(key[:n], keys) {
				return
			}
		}
	}()
	resized, stop := resizes()
	defer stop()
	readings := make(chan *reading)
	go func() {
		for r := t.next(ctx, r); r != nil; r = t.next(ctx, r) {
			select {
			case readings <- r:
			case <-ctx.Done():
			}
		}
	}()
	for {
		if err := draw(out, r); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-resized:
		case r = <-readings:
		}
	}
}

// draw writes over what is on the screen, which does not flicker as it would if that
// were cleared first.
func draw(out *os.File, r *reading) error {
	columns, rows, err := term.GetSize(int(out.Fd()))
	if err != nil || columns == 0 {
		columns, rows = usualColumns, 24
	}
	colour := os.Getenv("NO_COLOR") == ""
	var b bytes.Buffer
	b.WriteString(home)
	lines := r.lines(columns, rows)
	for i, l := range lines[:min(len(lines), rows)] {
		if i > 0 {
			b.WriteString("\r\n")
		}
		if code := styles[l.style]; colour && code != "" {
			l.text = code + l.text + normal
		}
		// What was there goes first: behind a line that is full, the cursor still
		// stands on its last letter.
		b.WriteString(toEnd + l.text)
	}
	if len(lines) < rows {
		b.WriteString("\r\n" + below)
	}
	_, err = out.Write(b.Bytes())
	return err
}
