package function

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/flowrun/flowrun/flows/expr/arithmetic"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

var texts = []Function{
	{
		Name: "lower", Group: groupStrings, Params: params(text("string")), Returns: flow.OfText, Call1: mapped(strings.ToLower),
		Doc:      "the string in lower case",
		Examples: []Example{{`lower("ÀB")`, `"àb"`}},
	},
	{
		Name: "upper", Group: groupStrings, Params: params(text("string")), Returns: flow.OfText, Call1: mapped(strings.ToUpper),
		Doc:      "the string in upper case",
		Examples: []Example{{`upper("àb")`, `"ÀB"`}},
	},
	{
		Name: "title", Group: groupStrings, Params: params(text("string")), Returns: flow.OfText, Call1: mapped(title),
		Doc:      "the string with the first letter of each word in upper case",
		Examples: []Example{{`title("hello wide world")`, `"Hello Wide World"`}},
	},
	{
		Name: "trim", Group: groupStrings, Params: params(text("string"), text("characters")), Returns: flow.OfText,
		Call2:    trimmed(strings.Trim),
		Doc:      "the string without those of the characters that it begins or ends with",
		Examples: []Example{{`trim("?!hello?!", "!?")`, `"hello"`}},
	},
	{
		Name: "trimspace", Group: groupStrings, Params: params(text("string")), Returns: flow.OfText, Call1: mapped(strings.TrimSpace),
		Doc:      "the string without white space at its ends",
		Examples: []Example{{`trimspace("  a b\n")`, `"a b"`}},
	},
	{
		Name: "trimprefix", Group: groupStrings, Params: params(text("string"), text("prefix")), Returns: flow.OfText,
		Call2:    trimmed(strings.TrimPrefix),
		Doc:      "the string without the prefix, where it begins with it",
		Examples: []Example{{`trimprefix("helloworld", "hello")`, `"world"`}},
	},
	{
		Name: "trimsuffix", Group: groupStrings, Params: params(text("string"), text("suffix")), Returns: flow.OfText,
		Call2:    trimmed(strings.TrimSuffix),
		Doc:      "the string without the suffix, where it ends with it",
		Examples: []Example{{`trimsuffix("helloworld", "world")`, `"hello"`}},
	},
	{
		Name: "startswith", Group: groupStrings, Params: params(text("string"), text("prefix")), Returns: flow.OfBool,
		Call2: func(s, part flow.Value) (flow.Value, error) {
			return flow.BoolOf(strings.HasPrefix(s.Text(), part.Text())), nil
		},
		Doc:      "whether the string begins with the prefix",
		Examples: []Example{{`startswith("hello", "he")`, `true`}},
	},
	{
		Name: "endswith", Group: groupStrings, Params: params(text("string"), text("suffix")), Returns: flow.OfBool,
		Call2: func(s, part flow.Value) (flow.Value, error) {
			return flow.BoolOf(strings.HasSuffix(s.Text(), part.Text())), nil
		},
		Doc:      "whether the string ends with the suffix",
		Examples: []Example{{`endswith("hello", "lo")`, `true`}},
	},
	{
		Name: "contains", Group: groupStrings,
		Params:  params(text("where").orList(), value("what")),
		Returns: flow.OfBool, Call2: contains,
		Doc:      "whether the string has this part, or the list an element that equals this value",
		Examples: []Example{{`contains("hello", "ell")`, `true`}, {`contains(["a", "b"], "c")`, `false`}},
	},
	{
		Name: "split", Group: groupStrings, Params: params(text("separator"), text("string")), Returns: flow.OfList, Call2: split,
		Doc:      "the parts of the string between the separators; its characters where the separator is empty",
		Examples: []Example{{`split(",", "a,b,,c")`, `["a","b","","c"]`}},
	},
	{
		Name: "join", Group: groupStrings, Params: params(text("separator"), list("parts")), Returns: flow.OfText, Call2: join,
		Doc:      "the parts as one string, with the separator between them; numbers, bools and nulls are spelled as in a template",
		Examples: []Example{{`join("-", ["a", "b", 3])`, `"a-b-3"`}},
	},
	{
		Name: "substr", Group: groupStrings, Params: params(text("string"), number("offset"), number("length")), Returns: flow.OfText, Call3: substr,
		Doc:      "so many characters of the string from the offset on, all that follow where the length is -1; a negative offset counts from the end",
		Examples: []Example{{`substr("hello world", 1, 4)`, `"ello"`}, {`substr("hello", -2, -1)`, `"lo"`}},
	},
	{
		Name: "strlen", Group: groupStrings, Params: params(text("string")), Returns: flow.OfNumber, Call1: length,
		Doc:      "the number of characters in the string",
		Examples: []Example{{`strlen("日本")`, `2`}},
	},
	{
		Name: "format", Group: groupStrings, Params: params(text("format")), Rest: value("value").rest(), Returns: flow.OfText, Call: format,
		Doc: "the format with a value in the place of each verb: %s and %v as in a template, lists and objects as JSON; %q in quotes; " +
			"%d %b %o %x %X whole numbers; %f %e %g numbers; %t bools; %% a percent sign; a width, a precision and the flags - + # 0 as in %-8s, %05.1f",
		Examples: []Example{{`format("%s has %d (%.1f%%)", "a", 3, 37.5)`, `"a has 3 (37.5%)"`}, {`format("%04x|%-4s|", 255, "ab")`, `"00ff|ab  |"`}},
	},
	{
		Name: "indent", Group: groupStrings, Params: params(number("spaces"), text("string")), Returns: flow.OfText, Call2: indent,
		Doc:      "the string with so many spaces (up to 1,000) before each of its lines but the first",
		Examples: []Example{{`indent(2, "a\nb")`, `"a\n  b"`}},
	},
	{
		Name: "reverse", Group: groupStrings, Params: params(text("what").orList()), Returns: flow.OfText | flow.OfList, Call1: reverse,
		Doc:      "the characters of the string, or the elements of the list, from last to first",
		Examples: []Example{{`reverse("abc")`, `"cba"`}, {`reverse([1, 2, 3])`, `[3,2,1]`}},
	},
	{
		Name: "chomp", Group: groupStrings, Params: params(text("string")), Returns: flow.OfText,
		Call1:    mapped(func(s string) string { return strings.TrimRight(s, "\r\n") }),
		Doc:      "the string without line ends at its end",
		Examples: []Example{{`chomp("hello\r\n")`, `"hello"`}},
	},
}

func mapped(f func(string) string) func(flow.Value) (flow.Value, error) {
	return func(v flow.Value) (flow.Value, error) { return flow.TextOf(f(v.Text())), nil }
}

func trimmed(f func(s, part string) string) func(s, part flow.Value) (flow.Value, error) {
	return func(s, part flow.Value) (flow.Value, error) { return flow.TextOf(f(s.Text(), part.Text())), nil }
}

func title(s string) string {
	before := ' '
	return strings.Map(func(r rune) rune {
		begins := unicode.IsLetter(r) && !unicode.IsLetter(before) && !unicode.IsDigit(before) && before != '_' && before != '\''
		before = r
		if begins {
			return unicode.ToTitle(r)
		}
		return r
	}, s)
}

func contains(where, what flow.Value) (flow.Value, error) {
	if where.Kind() == flow.List {
		for _, x := range where.List() {
			if x.Equal(what) {
				return flow.BoolOf(true), nil
			}
		}
		return flow.BoolOf(false), nil
	}
	switch what.Kind() {
	case flow.Text:
		return flow.BoolOf(strings.Contains(where.Text(), what.Text())), nil
	case flow.Null: // there is nothing that the string could have
		return flow.BoolOf(false), nil
	}
	return flow.NullValue, fmt.Errorf("a string contains strings, not %s", what.Kinds())
}

func split(separator, s flow.Value) (flow.Value, error) {
	if strings.Count(s.Text(), separator.Text()) >= MaxElements {
		return flow.NullValue, errTooMany
	}
	var parts []flow.Value
	if separator.Text() != "" {
		parts = make([]flow.Value, 0, 1+strings.Count(s.Text(), separator.Text()))
	}
	for part := range strings.SplitSeq(s.Text(), separator.Text()) {
		parts = append(parts, flow.TextOf(part))
	}
	return flow.ListOf(parts), nil
}

func join(separator, parts flow.Value) (flow.Value, error) {
	var b []byte
	for i, part := range parts.List() {
		if i > 0 {
			b = append(b, separator.Text()...)
		}
		var err error
		if b, err = AppendText(b, part); err != nil {
			return flow.NullValue, err
		}
		if len(b) > MaxText {
			return flow.NullValue, errTooLong
		}
	}
	return flow.TextOf(string(b)), nil
}

// AppendText spells a value as templates do: numbers and bools as in JSON,
// null as nothing. What cannot stand in a text is an error.
func AppendText(dst []byte, v flow.Value) ([]byte, error) {
	switch v.Kind() {
	case flow.Null:
		return dst, nil
	case flow.Text:
		return append(dst, v.Text()...), nil
	case flow.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case flow.Int:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case flow.Number:
		return append(dst, v.Text()...), nil
	case flow.Float:
		return jsontext.Append(dst, v, false)
	case flow.Bytes:
		return dst, errors.New("bytes are no string: utf8(), base64encode() or hexencode() make one of them")
	}
	return dst, fmt.Errorf("%s is no string: jsonencode() makes one of it", v.Kinds())
}

// substr cuts by characters. What lies outside of the string is empty.
func substr(s, offset, count flow.Value) (flow.Value, error) {
	from, err := arithmetic.Whole(offset, "the offset")
	if err != nil {
		return flow.NullValue, err
	}
	n, err := arithmetic.Whole(count, "the length")
	if err != nil {
		return flow.NullValue, err
	}
	if n < -1 {
		return flow.NullValue, errors.New("the length must be -1, which means the rest, or more")
	}
	t := s.Text()
	if from < 0 {
		from = max(0, from+int64(utf8.RuneCountInString(t)))
	}
	t = t[runes(t, from):]
	if n >= 0 {
		t = t[:runes(t, n)]
	}
	return flow.TextOf(t), nil
}

// runes is the length in bytes of the first n characters of s.
func runes(s string, n int64) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func indent(spaces, s flow.Value) (flow.Value, error) {
	n, err := arithmetic.Within(spaces, "the number of spaces", 0, 1000)
	if err != nil {
		return flow.NullValue, err
	}
	t := s.Text()
	if len(t)+n*strings.Count(t, "\n") > MaxText {
		return flow.NullValue, errTooLong
	}
	return flow.TextOf(strings.ReplaceAll(t, "\n", "\n"+strings.Repeat(" ", n))), nil
}

func reverse(v flow.Value) (flow.Value, error) {
	if v.Kind() == flow.List {
		from := v.List()
		to := make([]flow.Value, len(from))
		for i, x := range from {
			to[len(from)-1-i] = x
		}
		return flow.ListOf(to), nil
	}
	s := v.Text()
	b := make([]byte, 0, len(s))
	for len(s) > 0 {
		_, n := utf8.DecodeLastRuneInString(s)
		b = append(b, s[len(s)-n:]...)
		s = s[:len(s)-n]
	}
	return flow.TextOf(string(b)), nil
}
