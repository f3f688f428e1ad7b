package jsontext

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Form reads JSON texts that were checked ([Check]). None of its methods checks
// again.
type Form struct{}

var _ flow.Form = Form{}

// Find walks through the objects and lists on the path. It reads each object
// to its end, because of a repeated key the last value counts.
func (Form) Find(raw []byte, path []flow.Step) ([]byte, bool) {
	for _, step := range path {
		if len(raw) == 0 {
			return nil, false
		}
		var ok bool
		switch {
		case raw[0] == '{' && !step.IsIndex:
			raw, ok = findKey(raw, step.Key)
		case raw[0] == '[' && step.IsIndex && step.Index >= 0:
			raw, ok = findIndex(raw, step.Index)
		}
		if !ok {
			return nil, false
		}
	}
	return raw, true
}

// findKey returns the value of a key of the object b.
func findKey(b []byte, key string) (found []byte, ok bool) {
	if found, sure := findFlat(b, key); sure {
		return found, found != nil
	}
	i := skipSpace(b, 1)
	for b[i] != '}' {
		start := i + 1
		end, escaped := textEnd(b, start)
		same := !escaped && string(b[start:end]) == key || escaped && equalsEscaped(b[start:end], key)
		i = skipSpace(b, end+1) // the colon
		start = skipSpace(b, i+1)
		i = skipValue(b, start)
		if same {
			found, ok = b[start:i:i], true
		}
		if i = skipSpace(b, i); b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
	return found, ok
}

// findIndex returns the nth element of the list b.
func findIndex(b []byte, n int) ([]byte, bool) {
	i := skipSpace(b, 1)
	for b[i] != ']' {
		start := i
		i = skipValue(b, i)
		if n == 0 {
			return b[start:i:i], true
		}
		n--
		if i = skipSpace(b, i); b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
	return nil, false
}

// textEnd returns the place of the quote that closes a string, from behind the
// opening one, and whether the string has escapes.
func textEnd(b []byte, i int) (end int, escaped bool) {
	for {
		for i+8 <= len(b) {
			stops := quotes(binary.LittleEndian.Uint64(b[i:]))
			if stops != 0 {
				i += bits.TrailingZeros64(stops) / 8
				break
			}
			i += 8
		}
		for b[i] != '"' && b[i] != '\\' {
			i++
		}
		if b[i] == '"' {
			return i, escaped
		}
		escaped = true
		i += 2
	}
}

// skipValue returns the place behind the value at i.
func skipValue(b []byte, i int) int {
	switch b[i] {
	case '"':
		end, _ := textEnd(b, i+1)
		return end + 1
	case '{', '[':
		return skipContainer(b, i)
	}
	for i < len(b) && scalarByte[b[i]] {
		i++
	}
	return i
}

// scalarByte are the bytes of which numbers and literals are made.
var scalarByte = func() (set [256]bool) {
	for _, c := range []byte("0123456789+-.eEtrufalsn") {
		set[c] = true
	}
	return set
}()

func skipContainer(b []byte, i int) int {
	open := 0
	for {
		switch b[i] {
		case '"':
			i, _ = textEnd(b, i+1)
		case '{', '[':
			open++
		case '}', ']':
			if open--; open == 0 {
				return i + 1
			}
		}
		i++
	}
}

// Scalar shares the memory of raw, unless a string has escapes.
func (Form) Scalar(raw []byte) (flow.Value, bool) {
	switch raw[0] {
	case '{', '[':
		return flow.NullValue, false
	case '"':
		text := raw[1 : len(raw)-1]
		if _, escaped := textEnd(raw, 1); escaped {
			return flow.TextOf(unescape(text)), true
		}
		return flow.TextOf(shared(text)), true
	case 't':
		return flow.BoolOf(true), true
	case 'f':
		return flow.BoolOf(false), true
	case 'n':
		return flow.NullValue, true
	}
	return flow.NumberOf(shared(raw)), true
}

// Kind tells by the first byte; a number has to be read.
func (Form) Kind(raw []byte) flow.Kind {
	switch raw[0] {
	case '{':
		return flow.Map
	case '[':
		return flow.List
	}
	v, _ := Form{}.Scalar(raw)
	return v.Kind()
}

// Open shares the memory of raw.
func (Form) Open(raw []byte) flow.Value {
	d := decoder{memory: memory{raw, true}, shallow: true}
	var v flow.Value
	switch raw[0] {
	case '{':
		v, _ = d.object(0)
	case '[':
		v, _ = d.list(0)
	default:
		v, _ = d.value(0)
	}
	return v
}

// Decode returns the whole value.
func (Form) Decode(raw []byte) (flow.Value, error) {
	d := decoder{memory: memoryFor(raw)}
	v, _ := d.value(0)
	return v, nil
}

// decoder builds a value from a JSON text that was checked. Its methods
// return what begins at i and the place behind it. The parts of a list or an
// object are gathered on the stack while they are few, so that each is
// allocated once, in its size.
type decoder struct {
	memory
	shallow bool // lists and objects inside stay lazy
}

const few = 8

func (d decoder) value(i int) (flow.Value, int) {
	switch c := d.b[i]; c {
	case '"':
		s, end := d.text(i)
		return flow.TextOf(s), end
	case '{', '[':
		switch {
		case d.shallow:
			end := skipContainer(d.b, i)
			return flow.LazyOf(d.b[i:end:end], Form{}), end
		case c == '{':
			return d.object(i)
		}
		return d.list(i)
	case 't':
		return flow.BoolOf(true), i + 4
	case 'f':
		return flow.BoolOf(false), i + 5
	case 'n':
		return flow.NullValue, i + 4
	}
	end := skipValue(d.b, i)
	v := flow.NumberOf(shared(d.b[i:end]))
	if v.Kind() == flow.Number { // it keeps its spelling
		v = flow.NumberOf(d.part(i, end))
	}
	return v, end
}

func (d decoder) text(i int) (string, int) {
	end, escaped := textEnd(d.b, i+1)
	if escaped {
		return unescape(d.b[i+1 : end]), end + 1
	}
	return d.part(i+1, end), end + 1
}

func (d decoder) list(i int) (flow.Value, int) {
	var room [few]flow.Value
	parts := room[:0]
	i = skipSpace(d.b, i+1)
	for d.b[i] != ']' {
		var v flow.Value
		v, i = d.value(i)
		parts = append(parts, v)
		if i = skipSpace(d.b, i); d.b[i] == ',' {
			i = skipSpace(d.b, i+1)
		}
	}
	return flow.ListOf(slices.Clone(parts)), i + 1
}

func (d decoder) object(i int) (flow.Value, int) {
	var room [few]flow.Field
	parts := room[:0]
	i = skipSpace(d.b, i+1)
	for d.b[i] != '}' {
		var f flow.Field
		f.Key, i = d.text(i)
		i = skipSpace(d.b, i) // the colon
		f.Value, i = d.value(skipSpace(d.b, i+1))
		parts = append(parts, f)
		if i = skipSpace(d.b, i); d.b[i] == ',' {
			i = skipSpace(d.b, i+1)
		}
	}
	return flow.MapOf(flow.ObjectOf(parts...)), i + 1
}

// unescape returns the string that the inside of a JSON string spells.
func unescape(b []byte) string {
	s := make([]byte, 0, len(b)) // an escape is never shorter than what it spells
	for i := 0; i < len(b); {
		if b[i] != '\\' {
			s = append(s, b[i])
			i++
			continue
		}
		var r rune
		r, i = escape(b, i)
		s = utf8.AppendRune(s, r)
	}
	return shared(s)
}

// equalsEscaped compares the inside of a JSON string with key.
func equalsEscaped(b []byte, key string) bool {
	var spelled [utf8.UTFMax]byte
	for i := 0; i < len(b); {
		if b[i] != '\\' {
			if key == "" || key[0] != b[i] {
				return false
			}
			key = key[1:]
			i++
			continue
		}
		var r rune
		r, i = escape(b, i)
		n := utf8.EncodeRune(spelled[:], r)
		if len(key) < n || key[:n] != string(spelled[:n]) {
			return false
		}
		key = key[n:]
	}
	return key == ""
}

// escape returns the character that the escape at i spells, and the place
// behind it. Half of a surrogate pair spells U+FFFD.
func escape(b []byte, i int) (rune, int) {
	switch c := b[i+1]; c {
	case 'b':
		return '\b', i + 2
	case 'f':
		return '\f', i + 2
	case 'n':
		return '\n', i + 2
	case 'r':
		return '\r', i + 2
	case 't':
		return '\t', i + 2
	case 'u':
		r := hex4(b[i+2:])
		i += 6
		if !utf16.IsSurrogate(r) {
			return r, i
		}
		if len(b)-i >= 6 && b[i] == '\\' && b[i+1] == 'u' {
			if pair := utf16.DecodeRune(r, hex4(b[i+2:])); pair != utf8.RuneError {
				return pair, i + 6
			}
		}
		return utf8.RuneError, i
	default:
		return rune(c), i + 2
	}
}

func hex4(b []byte) rune {
	r := rune(0)
	for _, c := range b[:4] {
		if isDigit(c) {
			c -= '0'
		} else {
			c = c | 0x20 - 'a' + 10
		}
		r = r<<4 | rune(c)
	}
	return r
}

// shared is b as a string that shares its memory.
func shared(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// memory is where a decoder reads a message, and where the strings of the
// decoded value live.
type memory struct {
	b   []byte
	own bool // b is a copy that the value may share
}

// shareUpTo is the size up to which the strings of a value are parts of one
// copy of the message. Above it each is a copy of its own, so that who keeps
// a small part of a large message does not keep all of it.
const shareUpTo = 4 << 10

func memoryFor(raw []byte) memory {
	if len(raw) <= shareUpTo {
		return memory{bytes.Clone(raw), true}
	}
	return memory{raw, false}
}

// part is a part of the message that the value may keep.
func (m memory) part(start, end int) string {
	if m.own {
		return shared(m.b[start:end])
	}
	return string(m.b[start:end])
}
