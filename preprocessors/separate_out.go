package preprocessors

import "bytes"

// joiner is separate outwards: it appends the separator.
type joiner struct {
	sep  []byte
	pass bool // a message that has the separator within it is several
	buf  []byte
}

func (j *joiner) Process(p []byte, emit func([]byte) error) error {
	if j.pass && len(p) == 0 {
		return nil
	}
	b := append(append(j.buf[:0], p...), j.sep...)
	j.buf = reusable(b)
	// A separator may also begin in the message and end in the one appended.
	if !j.pass && bytes.Index(b, j.sep) != len(p) {
		return lose(p, "append the separator %q to a message: it would be found within the message too: choose another separator, or a codec that does not write it", j.sep)
	}
	return emit(b)
}

func (j *joiner) Finish(func([]byte) error) error { return nil }

// Stateless implements flow.Stateless.
func (*joiner) Stateless() {}

// parter is separate outwards, with within = "split".
type parter struct{ sep []byte }

func (s *parter) Process(p []byte, emit func([]byte) error) error {
	for {
		part, rest, more := bytes.Cut(p, s.sep)
		if err := emit(part); err != nil || !more || len(rest) == 0 {
			return err
		}
		p = rest
	}
}

func (s *parter) Finish(func([]byte) error) error { return nil }

// Stateless implements flow.Stateless.
func (*parter) Stateless() {}
