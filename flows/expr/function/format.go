package function

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/flows/expr/arithmetic"
	"github.com/flowrun/flowrun/runtime/flow"
)

// maxWidth bounds the width and the precision of a verb.
const maxWidth = 1000

// format fills the verbs of a format with values.
func format(args []flow.Value) (flow.Value, error) {
	spec, rest := args[0].Text(), args[1:]
	var b []byte
	for {
		at := strings.IndexByte(spec, '%')
		if at < 0 {
			break
		}
		b, spec = append(b, spec[:at]...), spec[at+1:]
		if strings.HasPrefix(spec, "%") {
			b, spec = append(b, '%'), spec[1:]
			continue
		}
		verb, err := verbOf(spec)
		if err != nil {
			return flow.NullValue, err
		}
		if len(rest) == 0 {
			return flow.NullValue, errors.New("the format has more verbs than there are values")
		}
		if b, err = appendVerb(b, verb, rest[0]); err != nil {
			return flow.NullValue, err
		}
		if spec, rest = spec[len(verb):], rest[1:]; len(b) > MaxText {
			return flow.NullValue, errTooLong
		}
	}
	if len(rest) > 0 {
		return flow.NullValue, errors.New("there are more values than the format has verbs")
	}
	return boundText(string(append(b, spec...)))
}

// verbOf is the verb, with its flags, width and precision, that s begins with.
func verbOf(s string) (string, error) {
	i := 0
	for i < len(s) && strings.IndexByte("-+# 0", s[i]) >= 0 {
		i++
	}
	width := digits(s[i:])
	if n, err := strconv.Atoi(s[i : i+width]); width > 0 && (err != nil || n > maxWidth) {
		return "", fmt.Errorf("a width in the format is more than %d", maxWidth)
	}
	if i += width; i < len(s) && s[i] == '.' {
		precision := digits(s[i+1:])
		if n, err := strconv.Atoi(s[i+1 : i+1+precision]); precision > 0 && (err != nil || n > maxWidth) {
			return "", fmt.Errorf("a precision in the format is more than %d", maxWidth)
		}
		i += 1 + precision
	}
	if i >= len(s) || strings.IndexByte("svqtdboxXfeEgG", s[i]) < 0 {
		return "", errors.New("the format has a % without a verb that is known; %% is a percent sign")
	}
	return s[:i+1], nil
}

func appendVerb(dst []byte, verb string, v flow.Value) ([]byte, error) {
	with := "%" + verb
	switch kind := verb[len(verb)-1]; kind {
	case 's', 'v', 'q':
		text, err := shown(v)
		if kind == 'v' {
			with = with[:len(with)-1] + "s"
		}
		return fmt.Appendf(dst, with, text), err
	case 't':
		if v.Kind() != flow.Bool {
			return dst, fmt.Errorf("%%t in the format takes a bool, not %s", v.Kinds())
		}
		return fmt.Appendf(dst, with, v.Bool()), nil
	case 'd', 'b', 'o', 'x', 'X':
		if kind != 'd' && kind != 'b' && kind != 'o' && (v.Kind() == flow.Text || v.Kind() == flow.Bytes) {
			return fmt.Appendf(dst, with, octets(v)), nil
		}
		if !v.IsNumber() {
			return dst, fmt.Errorf("%%%c in the format takes a whole number, not %s", kind, v.Kinds())
		}
		n, err := arithmetic.Whole(v, fmt.Sprintf("a number for %%%c in the format", kind))
		return fmt.Appendf(dst, with, n), err
	default:
		if !v.IsNumber() {
			return dst, fmt.Errorf("%%%c in the format takes a number, not %s", kind, v.Kinds())
		}
		return fmt.Appendf(dst, with, v.Float()), nil
	}
}

// shown is what %s makes of v.
func shown(v flow.Value) (string, error) {
	if v.Kind() == flow.List || v.Kind() == flow.Map {
		b, err := compactJSON.Append(nil, v)
		return string(b), err
	}
	b, err := AppendText(nil, v)
	return string(b), err
}
