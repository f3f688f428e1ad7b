package borders

import (
	"bytes"
	"errors"
)

// JSON finds the ends of JSON texts. It knows strings, brackets and where
// a comma must stand, and nothing of what is between.
type JSON struct {
	MaxDepth int    // of lists and objects
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

// Skip returns how many bytes of p stand before the next text.
func (f *JSON) Skip(p []byte) int {
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

// End is called at the end of the stream, and reports whether what has come of the last
// text may be all of it.
func (f *JSON) End() bool {
	may := f.state == jsonWord && len(f.open) == 0
	*f = JSON{MaxDepth: f.MaxDepth, open: reusable(f.open)}
	return may
}

// whole is ready for the next text.
func (f *JSON) whole(n int) (int, bool, error) {
	f.state, f.line = jsonStart, false
	return n, true, nil
}

// broken gives the text up. The next one begins with the next line, or right
// here if here is where a line begins with an opening bracket.
func (f *JSON) broken(p []byte, n int, err error) (int, bool, error) {
	f.open, f.state = reusable(f.open), jsonStart
	if f.lost = !f.line || p[n] != '{' && p[n] != '['; f.lost {
		if n++; p[n-1] == '\n' {
			f.column = true
		}
	}
	return n, false, err
}

// Next reads on in a text, see the package.
func (f *JSON) Next(p []byte) (int, bool, error) {
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
func (f *JSON) step(c byte) error {
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
	case len(f.open) == f.MaxDepth:
		return errJSONDepth
	default:
		f.open = append(f.open, c+2) // the closing bracket
	}
	return nil
}
