package preprocessors

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var separateSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "separate",
	Summary: "messages end with a separator, a newline unless another is given",
	Doc: `Inwards, splits what arrives at each separator. A message may span several frames or reads: its beginning
is kept until its separator comes. With ` + "`buffered = false`" + ` each frame stands alone, and what follows its last
separator is a message too. Nothing between two separators is an empty message, unless ` + "`skip_empty`" + ` is set;
nothing after the last one is no message. What is left when the stream ends is the last message.

A message longer than ` + "`max_length`" + ` (the separator not counted) is dropped and reported to ` + "`err`" + ` once, with
its beginning; the messages around it pass.

Outwards, appends the separator. A message in which a reader would find the separator too early is refused, unless ` + "`within`" + `
says that it is several: with ` + "`pass`" + ` it is written as it is, and an empty one not at all; with ` + "`split`" + ` each part leaves
as a message of its own, a frame where there are frames, and nothing is appended.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = [{ name = "separate", max_length = "1MiB", trim_cr = true }]
  codec          = "json"
  postprocessors = ["separate"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig {
		return &separate{Separator: "\n", MaxLength: 64 << 10, Buffered: true, Within: "refuse"}
	},
}

type separate struct {
	Separator string       `hcl:"separator" doc:"what ends a message; one or more characters"`
	MaxLength setting.Size `hcl:"max_length" min:"1B" doc:"longest message taken, inwards"`
	Buffered  bool         `hcl:"buffered" doc:"a message may span several frames or reads, inwards; false: each stands alone"`
	TrimCR    bool         `hcl:"trim_cr" doc:"a carriage return at the end of a message is removed, inwards"`
	SkipEmpty bool         `hcl:"skip_empty" doc:"empty messages are dropped, inwards"`
	Comment   string       `hcl:"comment" doc:"messages that begin with it are dropped, inwards; \"\" for none"`
	Within    string       `hcl:"within" oneof:"refuse|pass|split" doc:"what is done with a message that has the separator within it, outwards"`
}

var errNoSeparator = errors.New("the separator is empty, so nothing would end a message: write at least one character, like \"\\n\"")

func (c *separate) New() (in, out func() flow.Processor, err error) {
	if c.Separator == "" {
		return nil, nil, &setting.Error{Field: "separator", Err: errNoSeparator}
	}
	shared := *c
	sep := []byte(c.Separator)
	in = func() flow.Processor { return &splitter{cfg: &shared, sep: sep} }
	switch c.Within {
	case "split":
		out = func() flow.Processor { return &parter{sep: sep} }
	default:
		out = func() flow.Processor { return &joiner{sep: sep, pass: c.Within == "pass"} }
	}
	return in, out, nil
}

func (c *separate) Frames() bool { return true }
func (c *separate) Text() bool   { return utf8.ValidString(c.Separator) }

// splitter is separate inwards.
//
// held is the beginning of a message whose separator has not come; it holds
// no whole separator. When it is completed it is emitted, and must not change
// until the next call, so what p leaves unfinished then goes to spare: the
// two take turns.
//
// While skip is set, the message that is arriving has been reported as too
// long. held is then what might be the beginning of its separator.
type splitter struct {
	cfg   *separate
	sep   []byte
	held  []byte
	spare []byte
	skip  bool
	open  int64 // bytes since the last separator
}

// Held implements flow.Holder.
func (s *splitter) Held() int64 { return s.open }

func (s *splitter) Process(p []byte, emit func([]byte) error) error {
	var lost losses
	s.open += int64(len(p))
	if s.skip || len(s.held) > 0 {
		end := s.end(p)
		if end < 0 {
			return s.hold(p, &lost)
		}
		err := s.complete(p[:end], emit, &lost)
		p = p[end:]
		s.open = int64(len(p))
		if err != nil {
			s.abandon(p)
			return lost.and(err)
		}
	}
	for {
		i := bytes.Index(p, s.sep)
		if i < 0 {
			break
		}
		message := p[:i]
		p = p[i+len(s.sep):]
		s.open = int64(len(p))
		if err := s.message(message, emit, &lost); err != nil {
			s.abandon(p)
			return lost.and(err)
		}
	}
	if s.cfg.Buffered {
		return s.hold(p, &lost)
	}
	s.open = 0
	err := s.last(p, emit, &lost)
	return lost.and(err)
}

func (s *splitter) Finish(emit func([]byte) error) error {
	message, skip := s.held, s.skip
	s.held, s.skip, s.open = reusable(s.held), false, 0
	if skip {
		return nil
	}
	var lost losses
	err := s.last(message, emit, &lost)
	return lost.and(err)
}

// end returns where in p the first separator ends that began in held or in p;
// -1 when there is none.
func (s *splitter) end(p []byte) int {
	for began := min(len(s.sep)-1, len(s.held)); began > 0; began-- {
		if bytes.HasSuffix(s.held, s.sep[:began]) && bytes.HasPrefix(p, s.sep[began:]) {
			return len(s.sep) - began
		}
	}
	if i := bytes.Index(p, s.sep); i >= 0 {
		return i + len(s.sep)
	}
	return -1
}

// complete deals with the message that held and rest are, with its separator.
func (s *splitter) complete(rest []byte, emit func([]byte) error, lost *losses) error {
	length := len(s.held) + len(rest) - len(s.sep)
	switch {
	case s.skip:
		s.skip = false
	case length > int(s.cfg.MaxLength):
		lost.add(s.tooLong(rest))
	default:
		whole := append(s.held, rest...)
		s.held, s.spare = s.spare, reusable(whole)
		return s.message(whole[:length], emit, lost)
	}
	s.held = reusable(s.held)
	return nil
}

// message emits one message that has ended.
func (s *splitter) message(m []byte, emit func([]byte) error, lost *losses) error {
	if len(m) > int(s.cfg.MaxLength) {
		lost.add(s.tooLong(m))
		return nil
	}
	if s.cfg.TrimCR {
		m = bytes.TrimSuffix(m, []byte{'\r'})
	}
	if s.cfg.SkipEmpty && len(m) == 0 || s.cfg.Comment != "" && bytes.HasPrefix(m, []byte(s.cfg.Comment)) {
		return nil
	}
	return emit(m)
}

// last emits what stands behind the last separator.
func (s *splitter) last(m []byte, emit func([]byte) error, lost *losses) error {
	if len(m) == 0 || s.cfg.TrimCR && len(m) == 1 && m[0] == '\r' {
		return nil
	}
	return s.message(m, emit, lost)
}

// hold keeps p, which has no separator, for the next call.
func (s *splitter) hold(p []byte, lost *losses) error {
	border := len(s.sep) - 1 // bytes that may belong to a separator
	if !s.skip && len(s.held)+len(p)-border > int(s.cfg.MaxLength) {
		lost.add(s.tooLong(p))
		s.skip = true
	}
	if s.skip {
		older := s.held[len(s.held)-min(len(s.held), max(0, border-len(p))):]
		s.held = append(reusable(s.held), older...)
		p = p[len(p)-min(len(p), border):]
	}
	s.held = append(s.held, p...)
	return lost.and(nil)
}

// abandon gives up the rest of a call, and the message that it ends within.
func (s *splitter) abandon(p []byte) {
	if !s.cfg.Buffered {
		s.open = 0
		return
	}
	for i := bytes.Index(p, s.sep); i >= 0; i = bytes.Index(p, s.sep) {
		p = p[i+len(s.sep):]
	}
	s.open = int64(len(p))
	if s.skip = len(p) > 0; s.skip {
		s.held = append(s.held, p[len(p)-min(len(p), len(s.sep)-1):]...)
	}
}

// tooLong reports the message that begins with held and goes on with p.
func (s *splitter) tooLong(p []byte) *flow.Loss {
	begin := min(excerpt, int(s.cfg.MaxLength))
	raw := bytes.Clone(s.held[:min(begin, len(s.held))])
	raw = append(raw, p[:min(begin-len(raw), len(p))]...)
	return &flow.Loss{
		Err: fmt.Errorf("split at %q: a message is longer than max_length %v: raise max_length, or check that its sender writes the separator", s.sep, s.cfg.MaxLength),
		Raw: raw,
	}
}
