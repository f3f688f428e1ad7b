package jsontext

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Append appends the spelling of v in one line, with the keys of objects in
// their order or, with sortKeys, in that of their bytes. Lists and objects that
// came as JSON and that nobody has changed keep their spelling, down to the
// white space, unless their keys are sorted. What JSON cannot say is an error:
// numbers that are infinite or none.
func Append(dst []byte, v flow.Value, sortKeys bool) ([]byte, error) {
	return Style{SortKeys: sortKeys}.Append(dst, v)
}

// Style is how values are spelled. The zero Style is one line, with the keys
// of objects in their order.
type Style struct {
	SortKeys bool // write the keys of objects in the order of their bytes
	Indent   int  // spaces for each level; 0 writes everything in one line
	Compact  bool // spell anew what came as JSON, without white space and repeated keys
}

// Append appends the spelling of v, as [Append] does.
func (s Style) Append(dst []byte, v flow.Value) ([]byte, error) { return s.append(dst, v, 0) }

// append appends the spelling of v, which is level deep in the text.
func (s Style) append(dst []byte, v flow.Value, level int) ([]byte, error) {
	switch v.Kind() {
	case flow.Null:
		return append(dst, "null"...), nil
	case flow.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case flow.Int:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case flow.Float:
		return appendFloat(dst, v.Float())
	case flow.Number:
		if !IsNumber(v.Text()) {
			return dst, errors.New("encode the number as JSON: JSON does not know its spelling: map it with tostring()")
		}
		return append(dst, v.Text()...), nil
	case flow.Text:
		return appendText(dst, v.Text()), nil
	case flow.Bytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes())
		return append(dst, '"'), nil
	default:
		return s.appendParts(dst, v, level)
	}
}

func (s Style) appendParts(dst []byte, v flow.Value, level int) ([]byte, error) {
	if raw, form, ok := v.Encoded(); ok {
		if _, same := form.(Form); same && s == (Style{}) {
			return AppendLine(dst, raw), nil
		}
		v = v.Whole()
	}
	if v.Kind() == flow.List {
		return s.appendList(dst, v.List(), level)
	}
	return s.appendObject(dst, v.Object(), level)
}

func (s Style) appendList(dst []byte, list []flow.Value, level int) ([]byte, error) {
	if len(list) == 0 {
		return append(dst, "[]"...), nil
	}
	var err error
	for i, v := range list {
		dst = s.next(dst, '[', i, level+1)
		if dst, err = s.append(dst, v, level+1); err != nil {
			return dst, err
		}
	}
	return append(s.line(dst, level), ']'), nil
}

func (s Style) appendObject(dst []byte, o *flow.Object, level int) ([]byte, error) {
	fields := o.Fields()
	if len(fields) == 0 {
		return append(dst, "{}"...), nil
	}
	if s.SortKeys {
		byKey := func(a, b flow.Field) int { return cmp.Compare(a.Key, b.Key) }
		if !slices.IsSortedFunc(fields, byKey) {
			fields = slices.SortedFunc(slices.Values(fields), byKey)
		}
	}
	var err error
	for i, f := range fields {
		dst = s.next(dst, '{', i, level+1)
		dst = append(appendText(dst, f.Key), ':')
		if s.Indent > 0 {
			dst = append(dst, ' ')
		}
		if dst, err = s.append(dst, f.Value, level+1); err != nil {
			return dst, err
		}
	}
	return append(s.line(dst, level), '}'), nil
}

// next begins the ith part of a list or an object.
func (s Style) next(dst []byte, open byte, i, level int) []byte {
	if i > 0 {
		open = ','
	}
	return s.line(append(dst, open), level)
}

// line begins a line.
func (s Style) line(dst []byte, level int) []byte {
	if s.Indent == 0 {
		return dst
	}
	dst = append(dst, '\n')
	for range s.Indent * level {
		dst = append(dst, ' ')
	}
	return dst
}

// appendFloat spells f with as few digits as identify it, and an exponent
// where most readers would want one.
func appendFloat(dst []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, fmt.Errorf("encode the number %v as JSON: JSON does not know it: map it with tostring()", f)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, 64)
	if n := len(dst); format == 'e' && string(dst[n-3:n-1]) == "-0" { // 1e-07 is 1e-7 elsewhere
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst, nil
}

const hexDigits = "0123456789abcdef"

// appendText appends s in quotes.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0 // of s, what is in dst
	for i := plain(s); i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[done:i]...), "\ufffd"...)
				done = i + 1
			}
			i += n
			continue
		}
		dst = append(dst, s[done:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[c>>4], hexDigits[c&0xf])
		}
		i++
		done = i
	}
	return append(append(dst, s[done:]...), '"')
}

// plain is how many bytes at the beginning of s, counted in words of eight, are
// ASCII and stand for themselves in a JSON string.
func plain(s string) int {
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	i := 0
	for i+8 <= len(b) {
		word := binary.LittleEndian.Uint64(b[i:])
		if quotes(word)|controls(word)|word&highBits != 0 {
			break
		}
		i += 8
	}
	return i
}

// AppendLine appends a JSON text that was checked, as it is spelled, but in one
// line: with a line break in it, it loses all its white space.
func AppendLine(dst, text []byte) []byte {
	// A line break in valid JSON is white space, never part of a string.
	if bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') < 0 {
		return append(dst, text...)
	}
	for i := 0; i < len(text); {
		switch text[i] {
		case ' ', '\n', '\t', '\r':
			i++
		case '"':
			end, _ := textEnd(text, i+1)
			dst = append(dst, text[i:end+1]...)
			i = end + 1
		default:
			dst = append(dst, text[i])
			i++
		}
	}
	return dst
}
