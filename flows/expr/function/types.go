package function

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

var types = []Function{
	{
		Name: "tostring", Group: groupTypes, Params: params(Param{Name: "value", Kinds: flow.OfAny}), Returns: flow.OfText, Call1: toString,
		Doc:      "a number or a bool as a string, spelled as in JSON; a string as it is",
		Examples: []Example{{`tostring(1.5)`, `"1.5"`}, {`tostring(true)`, `"true"`}},
	},
	{
		Name: "tonumber", Group: groupTypes, Params: params(text("value").orNumber()), Returns: flow.OfNumber, Call1: toNumber,
		Doc:      "the number that the string spells as JSON would, a number as it is; an error where it spells none",
		Examples: []Example{{`tonumber("12")`, `12`}, {`tonumber("-1.5e3")`, `-1.5e3`}},
	},
	{
		Name: "tobool", Group: groupTypes, Params: params(Param{Name: "value", Kinds: flow.OfText | flow.OfBool}), Returns: flow.OfBool, Call1: toBool,
		Doc:      `the bool that the string spells ("true", "false", "1", "0"), a bool as it is; an error where it spells none`,
		Examples: []Example{{`tobool("true")`, `true`}},
	},
	{
		Name: "bytes", Group: groupTypes, Params: params(textOrBytes("string")), Returns: flow.OfBytes, Call1: toBytes,
		Doc:      "the bytes of the string in UTF-8",
		Examples: []Example{{`hexencode(bytes("é"))`, `"c3a9"`}, {`length(bytes("é"))`, `2`}},
	},
	{
		Name: "utf8", Group: groupTypes, Params: params(textOrBytes("bytes")), Returns: flow.OfText, Call1: fromUTF8,
		Doc:      "the string that the bytes are in UTF-8; an error where they are none",
		Examples: []Example{{`utf8(bytes("é"))`, `"é"`}},
	},
	{
		Name: "type", Group: groupTypes, Params: params(value("value")), Returns: flow.OfText,
		Call1:    func(v flow.Value) (flow.Value, error) { return flow.TextOf(v.Kind().String()), nil },
		Doc:      `the type of the value: "null", "bool", "number", "string", "bytes", "list" or "object"`,
		Examples: []Example{{`type([1])`, `"list"`}, {`type(null)`, `"null"`}},
	},
	{
		Name: "can", Group: groupTypes, Params: params(value("expression")), Returns: flow.OfBool, Special: true,
		Doc:      "whether the expression can be computed without an error",
		Examples: []Example{{`can(tonumber("x"))`, `false`}, {`can(1 + 1)`, `true`}},
	},
	{
		Name: "try", Group: groupTypes, Params: params(value("expression")), Rest: value("expression").rest(), Returns: flow.OfAny, Special: true,
		Doc:      "the first of the expressions that can be computed without an error; those after it are not computed",
		Examples: []Example{{`try(tonumber("x"), 0)`, `0`}},
	},
	{
		Name: "path", Group: groupTypes, Params: params(value("value"), text("path")), Returns: flow.OfAny, Call2: pathAny, Prepare: preparePath,
		Doc:      `what is at the path in the value: names with dots between them, [0] for an element, ["a b"] for any key; null where there is nothing`,
		Examples: []Example{{`path({ a = { b = [7, 8] } }, "a.b[1]")`, `8`}, {`path({ a = 1 }, "b.c")`, `null`}},
	},
}

func (p Param) orNumber() Param { p.Kinds |= flow.OfNumber; return p }

func toString(v flow.Value) (flow.Value, error) {
	if v.Kind() == flow.Text {
		return v, nil
	}
	if v.Kind() == flow.Number {
		return flow.TextOf(v.Text()), nil
	}
	if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
		return flow.TextOf(strconv.FormatFloat(f, 'g', -1, 64)), nil
	}
	b, err := AppendText(nil, v)
	if err != nil {
		return flow.NullValue, err
	}
	return flow.TextOf(string(b)), nil
}

var errNoNumber = errors.New("the string spells no number")

func toNumber(v flow.Value) (flow.Value, error) {
	if v.Kind() != flow.Text {
		return v, nil
	}
	if !jsontext.IsNumber(v.Text()) {
		return flow.NullValue, errNoNumber
	}
	return flow.NumberOf(v.Text()), nil
}

func toBool(v flow.Value) (flow.Value, error) {
	if v.Kind() == flow.Bool {
		return v, nil
	}
	switch v.Text() {
	case "true", "1":
		return flow.BoolOf(true), nil
	case "false", "0":
		return flow.BoolOf(false), nil
	}
	return flow.NullValue, errors.New(`the string spells no bool: "true", "false", "1" and "0" do`)
}

func toBytes(v flow.Value) (flow.Value, error) {
	if v.Kind() == flow.Bytes {
		return v, nil
	}
	return flow.BytesOf([]byte(v.Text())), nil
}

func fromUTF8(v flow.Value) (flow.Value, error) {
	if !utf8.Valid(octets(v)) {
		return flow.NullValue, errors.New("the bytes are no UTF-8")
	}
	if v.Kind() == flow.Text {
		return v, nil
	}
	return flow.TextOf(string(v.Bytes())), nil
}

// parsePath reads a path. Numbers in brackets go into lists, all else into
// objects.
func parsePath(s string) ([]flow.Step, error) {
	var steps []flow.Step
	for i := 0; i < len(s); {
		switch {
		case s[i] == '[':
			end, st, ok := bracket(s[i+1:])
			if !ok {
				return nil, fmt.Errorf(`the path has no [0] or ["key"] at its character %d`, utf8.RuneCountInString(s[:i])+1)
			}
			steps = append(steps, st)
			i += 1 + end
		default:
			if s[i] == '.' && i > 0 {
				i++
			} else if i > 0 {
				return nil, fmt.Errorf("the path has no dot before its character %d", utf8.RuneCountInString(s[:i])+1)
			}
			n := strings.IndexAny(s[i:], ".[")
			if n < 0 {
				n = len(s) - i
			}
			if n == 0 {
				return nil, fmt.Errorf("the path has no name at its character %d", utf8.RuneCountInString(s[:i])+1)
			}
			steps = append(steps, flow.Step{Key: s[i : i+n]})
			i += n
		}
	}
	return steps, nil
}

// digits is how many digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// bracket reads what follows an opening bracket; end is behind the closing one.
func bracket(s string) (end int, st flow.Step, ok bool) {
	if n := digits(s); n > 0 && n < len(s) && s[n] == ']' {
		i, err := strconv.Atoi(s[:n])
		return n + 1, flow.Step{Index: i, IsIndex: true}, err == nil
	}
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil || s[0] != '"' || !strings.HasPrefix(s[len(quoted):], "]") {
		return 0, st, false
	}
	key, err := strconv.Unquote(quoted)
	return len(quoted) + 1, flow.Step{Key: key}, err == nil
}

func walk(v flow.Value, steps []flow.Step) flow.Value {
	for _, st := range steps {
		switch {
		case !st.IsIndex:
			v, _ = v.Object().Get(st.Key)
		case st.Index < len(v.List()):
			v = v.List()[st.Index]
		default:
			return flow.NullValue
		}
	}
	return v
}

func pathAny(v, path flow.Value) (flow.Value, error) {
	steps, err := parsePath(path.Text())
	if err != nil {
		return flow.NullValue, err
	}
	return walk(v, steps), nil
}

func preparePath(constants []*flow.Value) (*Function, error) {
	if constants[1] == nil || constants[1].Kind() != flow.Text {
		return nil, nil
	}
	steps, err := parsePath(constants[1].Text())
	if err != nil {
		return nil, err
	}
	return &Function{Call2: func(v, _ flow.Value) (flow.Value, error) { return walk(v, steps), nil }}, nil
}
