package jsontext

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// DefaultDepth is how deep lists and objects may be nested where nobody says
// otherwise.
const DefaultDepth = 512

// Check returns the one JSON text of b without the white space around it; it
// shares b's memory. An error says what is wrong and at which byte, for the
// caller to say of what: it wraps [ErrDepth] where the text is nested deeper
// than maxDepth. Check allocates nothing unless there is an error to tell.
func Check(b []byte, maxDepth int) ([]byte, error) {
	c := check{b: b}
	start := skipSpace(b, 0)
	end := c.value(start, maxDepth)
	switch {
	case end < 0:
		return nil, c.problem(maxDepth)
	case skipSpace(b, end) < len(b):
		c.fail(skipSpace(b, end), "there is more after the end of the value")
		return nil, c.problem(maxDepth)
	case c.seen&highBits != 0 && !utf8.Valid(b):
		c.fail(invalidAt(b), "it is not UTF-8")
		return nil, c.problem(maxDepth)
	}
	return b[start:end:end], nil
}

// check checks a JSON text. Its methods are given the place where
// something begins and return the place behind it, or failed.
//
// Strings make most of a message, so they are looked at eight bytes at a time.
// Whether they are UTF-8 is checked in one go at the end, and only if some
// byte was not ASCII.
type check struct {
	b    []byte
	seen uint64 // all words of strings, or-ed: tells if one has a byte beyond ASCII
	at   int    // where it failed
	why  string
}

const failed = -1

func (c *check) fail(at int, why string) int {
	c.at, c.why = at, why
	return failed
}

const tooDeep = "too deep"

// What Check finds that its callers have advice for.
var (
	ErrEmpty = errors.New("it is empty")
	ErrDepth = errors.New("lists and objects are nested too deep")
	errBOM   = errors.New("it begins with a byte order mark: send UTF-8 without one")
)

// problem describes the failure.
func (c *check) problem(maxDepth int) error {
	switch {
	case skipSpace(c.b, 0) == len(c.b):
		return ErrEmpty
	case len(c.b) >= 3 && string(c.b[:3]) == "\xef\xbb\xbf":
		return errBOM
	case c.why == tooDeep:
		return fmt.Errorf("%w: more than %d levels at byte %d", ErrDepth, maxDepth, c.at)
	case c.at >= len(c.b):
		return fmt.Errorf("it ends after %d bytes, too early: %s", len(c.b), c.why)
	}
	return fmt.Errorf("%s at byte %d", c.why, c.at)
}

// spaces has a bit for each byte that is white space.
const spaces uint64 = 1<<' ' | 1<<'\n' | 1<<'\t' | 1<<'\r'

func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && spaces>>b[i]&1 == 1 {
		i++
	}
	return i
}

// value checks the value at i; levels is how deep it may nest.
func (c *check) value(i, levels int) int {
	b := c.b
	if i >= len(b) {
		return c.fail(i, "a value is expected")
	}
	switch b[i] {
	case '"':
		return c.text(i + 1)
	case '{':
		if levels == 0 {
			return c.fail(i, tooDeep)
		}
		return c.object(i+1, levels-1)
	case '[':
		if levels == 0 {
			return c.fail(i, tooDeep)
		}
		return c.list(i+1, levels-1)
	case 't':
		if len(b)-i >= 4 && string(b[i:i+4]) == "true" {
			return i + 4
		}
	case 'f':
		if len(b)-i >= 5 && string(b[i:i+5]) == "false" {
			return i + 5
		}
	case 'n':
		if len(b)-i >= 4 && string(b[i:i+4]) == "null" {
			return i + 4
		}
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if end := skipNumber(b, i); end != failed {
			return end
		}
		return c.fail(i, "a number is not spelled as JSON asks")
	}
	return c.fail(i, "a value is expected")
}

func (c *check) object(i, levels int) int {
	b := c.b
	i = skipSpace(b, i)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return c.fail(i, "a key in quotes is expected")
		}
		if i = c.text(i + 1); i == failed {
			return failed
		}
		i = skipSpace(b, i)
		if i >= len(b) || b[i] != ':' {
			return c.fail(i, "a colon is expected")
		}
		if i = c.value(skipSpace(b, i+1), levels); i == failed {
			return failed
		}
		i = skipSpace(b, i)
		if i < len(b) && b[i] == '}' {
			return i + 1
		}
		if i >= len(b) || b[i] != ',' {
			return c.fail(i, "a comma or the end of an object is expected")
		}
		i = skipSpace(b, i+1)
	}
}

func (c *check) list(i, levels int) int {
	b := c.b
	i = skipSpace(b, i)
	if i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		if i = c.value(i, levels); i == failed {
			return failed
		}
		i = skipSpace(b, i)
		if i < len(b) && b[i] == ']' {
			return i + 1
		}
		if i >= len(b) || b[i] != ',' {
			return c.fail(i, "a comma or the end of a list is expected")
		}
		i = skipSpace(b, i+1)
	}
}

// text checks a string from behind its opening quote.
func (c *check) text(i int) int {
	b := c.b
	seen := uint64(0)
	for {
		for i+8 <= len(b) {
			word := binary.LittleEndian.Uint64(b[i:])
			seen |= word
			if stops := quotes(word) | controls(word); stops != 0 {
				i += bits.TrailingZeros64(stops) / 8
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
			seen |= uint64(b[i])
			i++
		}
		if i >= len(b) {
			return c.fail(i, "a string has no end")
		}
		switch b[i] {
		case '"':
			c.seen |= seen
			return i + 1
		case '\\':
			end := skipEscape(b, i)
			if end == failed {
				return c.fail(i, "a string has an escape that JSON does not know")
			}
			i = end
		default:
			return c.fail(i, "a string has a control character: escape it")
		}
	}
}

const (
	eachByte = 0x0101010101010101
	highBits = 0x8080808080808080
)

// quotes marks the high bit of the bytes of a word that are a quote or a
// backslash. Marks above the lowest one may be wrong.
func quotes(word uint64) uint64 {
	quote, backslash := word^('"'*eachByte), word^('\\'*eachByte)
	return ((quote - eachByte) | (backslash - eachByte)) &^ word & highBits
}

// controls marks the high bit of the bytes of a word that are below a space.
// Marks above the lowest one may be wrong.
func controls(word uint64) uint64 {
	return (word - ' '*eachByte) &^ word & highBits
}

// skipEscape returns the place behind the escape at i, or failed.
func skipEscape(b []byte, i int) int {
	if i+1 >= len(b) {
		return failed
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if len(b)-i >= 6 && isHex(b[i+2]) && isHex(b[i+3]) && isHex(b[i+4]) && isHex(b[i+5]) {
			return i + 6
		}
	}
	return failed
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isDigit(c byte) bool { return c-'0' < 10 }

// skipNumber returns the place behind the number at i, or failed.
func skipNumber[T []byte | string](b T, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i >= len(b) || !isDigit(b[i]):
		return failed
	case b[i] == '0':
		i++
	default:
		i = skipDigits(b, i)
	}
	if i < len(b) && b[i] == '.' {
		if i++; i >= len(b) || !isDigit(b[i]) {
			return failed
		}
		i = skipDigits(b, i)
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i >= len(b) || !isDigit(b[i]) {
			return failed
		}
		i = skipDigits(b, i)
	}
	return i
}

func skipDigits[T []byte | string](b T, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

// invalidAt is the place of the first byte of b that is not UTF-8.
func invalidAt(b []byte) int {
	i := 0
	for i < len(b) {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	return i
}

// IsNumber reports whether JSON knows the spelling of a number.
func IsNumber(s string) bool { return skipNumber(s, 0) == len(s) }
