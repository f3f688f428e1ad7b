package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// maxLine bounds one line of events that a command reads.
const maxLine = 16 << 20

// lines reads events in JSON, one a line or one in all.
type lines struct {
	name  string // of what is read, for messages
	codec flow.Codec
	text  *bufio.Reader
	n     int
}

// newLines reads from a file, or from standard input where name is "-".
func newLines(name string, stdin io.Reader) (l *lines, closing func(), err error) {
	l = &lines{name: name, codec: jsonCodec()}
	if name == "-" {
		l.name, l.text = "standard input", bufio.NewReader(stdin)
		return l, func() {}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, plain("read", err)
	}
	l.text = bufio.NewReader(f)
	return l, func() { _ = f.Close() }, nil // it was only read
}

// next reads the event of the next line that is not empty, and returns io.EOF
// when there is none. After a *lineError the next line can be read.
func (l *lines) next() (flow.Event, error) {
	for {
		line, err := l.line()
		if err != nil {
			return flow.Event{}, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var e flow.Event
		if err := l.codec.Decode(&e, line); err != nil {
			return flow.Event{}, &lineError{fmt.Errorf("line %d of %s: %w", l.n, l.name, err)}
		}
		return e, nil
	}
}

// line reads a line; the bytes are the caller's.
func (l *lines) line() ([]byte, error) {
	l.n++
	var line []byte
	for {
		part, err := l.text.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return nil, fmt.Errorf("line %d of %s is longer than %s", l.n, l.name, setting.Size(maxLine))
		case err == nil, errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// all reads the one event that the whole input is.
func (l *lines) all() (flow.Event, error) {
	text, err := io.ReadAll(io.LimitReader(l.text, maxLine+1))
	switch {
	case err != nil:
		return flow.Event{}, fmt.Errorf("read %s: %w", l.name, err)
	case len(text) > maxLine:
		return flow.Event{}, fmt.Errorf("%s is longer than %s", l.name, setting.Size(maxLine))
	}
	var e flow.Event
	if err := l.codec.Decode(&e, text); err != nil {
		return flow.Event{}, fmt.Errorf("%s: %w", l.name, err)
	}
	return e, nil
}

// lineError is about one line; those after it are not concerned.
type lineError struct{ error }

func (e *lineError) Unwrap() error { return e.error }

// jsonCodec is the codec that commands read and write events with.
func jsonCodec() flow.Codec {
	for _, spec := range tables.Codecs {
		if spec.Name == "json" {
			if makeCodec, err := spec.Config().New(); err == nil {
				return makeCodec()
			}
		}
	}
	panic("the table of codecs has no json") // a mistake in the program
}
