package preprocessors

import (
	"bytes"
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var jsonStreamSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "json_stream",
	Summary: "messages are JSON texts that follow each other, with or without something between them",
	Doc: `Inwards, splits a stream of JSON texts: directly behind each other, on lines of their own, or spread over several
lines. White space between them is passed over. A text may span several frames or reads. Numbers, ` + "`true`, `false` and `null`" + `
end where white space or another text begins, or with the stream; objects, lists and strings end by themselves.

Whether what it finds is JSON in all details is for the codec to say. A text whose end cannot be found (a bracket that
closes another kind, a line break in a string, something where only a comma can stand) is reported to ` + "`err`" + ` with its
beginning, and the next one is looked for at the next line that does not begin like the middle of one: a bad text costs
itself and what follows it in its last line. So is a text that is longer than ` + "`max_length`" + ` or deeper than ` + "`max_depth`" + `.
One within which the stream ends is an error of the kind "truncated".

Outwards, messages are written one behind the other; numbers and words with a newline behind them. A message that is
no JSON text is refused.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = ["json_stream"]
  codec          = "json"
  postprocessors = ["json_stream"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &jsonStream{MaxLength: 1 << 20, MaxDepth: 512} },
}

type jsonStream struct {
	MaxLength setting.Size `hcl:"max_length" min:"1B" doc:"longest text taken, inwards"`
	MaxDepth  int          `hcl:"max_depth" min:"1" max:"10000" doc:"how deep lists and objects may be nested"`
}

func (c *jsonStream) New() (in, out func() flow.Processor, err error) {
	length, depth := int(c.MaxLength), c.MaxDepth
	in = func() flow.Processor {
		p := &struct {
			values
			finder jsonFinder
		}{values{format: "JSON", max: length}, jsonFinder{maxDepth: depth}}
		p.find = &p.finder
		return &p.values
	}
	out = func() flow.Processor {
		p := &struct {
			single
			finder jsonFinder
		}{single{format: "JSON", tail: "\n"}, jsonFinder{maxDepth: depth}}
		p.find = &p.finder
		return &p.single
	}
	return in, out, nil
}

func (c *jsonStream) Frames() bool { return true }
func (c *jsonStream) Text() bool   { return true }

// jsonFinder finds the ends of JSON texts. It knows strings, brackets and where
// a comma must stand, and nothing of what is between.
type jsonFinder struct {
	maxDepth int
	open     []byte // the brackets that are open
	state    jsonState
	line     bool // only white space has come since the line began
	lost     bool // the next text begins with a line
	column   bool // a line begins here
}

type jsonState uint8

const (
	jsonStart  jsonState = iota // a value may begin
	jsonWord                    // in a number, true, false or null
	jsonString                  // in a string
	jsonEscape                  // in a string, behind a backslash
	jsonAfter                   // behind a value in a list or an object
)

var (
	errJSONDepth  = errors.New("lists and objects are nested deeper than max_depth: raise max_depth if that is expected")
	errJSONString = errors.New("a string is not closed where its line ends")
	errJSONClose  = errors.New("a bracket is closed that is not open")
	errJSONComma  = errors.New("there is something where only a comma or a closing bracket can stand")
	errJSONPlace  = errors.New("a comma or a colon stands where a value must begin")
)

func (f *jsonFinder) skip(p []byte) int {
	for i, c := range p {
		switch {
		case c == '\n':
			f.line, f.column = true, true
			continue
		case isJSONSpace(c):
		case !f.lost, f.column && begins(c):
			f.lost, f.column = false, false
			return i
		}
		f.column = false
	}
	return len(p)
}

// begins reports whether a line that begins with c is likely to begin a text.
func begins(c byte) bool { return bytes.IndexByte([]byte(`}],:"`), c) < 0 }

func isJSONSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func (f *jsonFinder) end() bool {
	may := f.state == jsonWord && len(f.open) == 0
	*f = jsonFinder{maxDepth: f.maxDepth, open: reusable(f.open)}
	return may
}

// whole is ready for the next text.
func (f *jsonFinder) whole(n int) (int, bool, error) {
	f.state, f.line = jsonStart, false
	return n, true, nil
}

// broken gives the text up. The next one begins with the next line, or right
// here if here is where a line begins with an opening bracket.
func (f *jsonFinder) broken(p []byte, n int, err error) (int, bool, error) {
	f.open, f.state = reusable(f.open), jsonStart
	if f.lost = !f.line || p[n] != '{' && p[n] != '['; f.lost {
		if n++; p[n-1] == '\n' {
			f.column = true
		}
	}
	return n, false, err
}

func (f *jsonFinder) next(p []byte) (int, bool, error) {
	for i := 0; i < len(p); i++ {
		c := p[i]
		switch f.state {
		case jsonString:
			switch {
			case c == '"' && len(f.open) == 0:
				return f.whole(i + 1)
			case c == '"':
				f.state = jsonAfter
			case c == '\\':
				f.state = jsonEscape
			case c == '\n':
				return f.broken(p, i, errJSONString)
			}
			continue
		case jsonEscape:
			f.state = jsonString
			continue
		case jsonWord:
			if isJSONSpace(c) || bytes.IndexByte([]byte(`{}[]",:`), c) >= 0 {
				if len(f.open) == 0 {
					return f.whole(i)
				}
				f.state = jsonAfter
			}
		}
		if isJSONSpace(c) {
			f.line = f.line || c == '\n'
			continue
		}
		if err := f.step(c); err != nil {
			return f.broken(p, i, err)
		}
		f.line = false
		if len(f.open) == 0 && f.state == jsonAfter {
			return f.whole(i + 1)
		}
	}
	return len(p), false, nil
}

// step takes a byte outside of strings that is no white space.
func (f *jsonFinder) step(c byte) error {
	switch c {
	case '}', ']':
		last := len(f.open) - 1
		if last < 0 || f.open[last] != c {
			return errJSONClose
		}
		f.open, f.state = f.open[:last], jsonAfter
		return nil
	case ',', ':':
		if len(f.open) == 0 || f.state != jsonAfter {
			return errJSONPlace
		}
		f.state = jsonStart
		return nil
	}
	switch {
	case f.state == jsonAfter:
		return errJSONComma
	case c == '"':
		f.state = jsonString
	case c != '{' && c != '[':
		f.state = jsonWord
	case len(f.open) == f.maxDepth:
		return errJSONDepth
	default:
		f.open = append(f.open, c+2) // the closing bracket
	}
	return nil
}
