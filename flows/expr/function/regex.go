package function

import (
	"errors"
	"strings"

	"github.com/flowrun/flowrun/flows/expr/function/pattern"
	"github.com/flowrun/flowrun/runtime/flow"
)

var errNoMatch = errors.New("the pattern matches nothing in the string: can(regex(…)) tells whether it does, try(regex(…), null) is null where it does not")

var errTooMuch = errors.New("the pattern matches more than 1,000,000 times, groups counted, or the result is longer than 16 MiB: make it of less")

// patterns are the functions of regular expressions. Those written into the
// flow are compiled at start-up. Where one comes with an event, the 64 that
// were compiled last are kept.
var patterns = []Function{
	{
		Name: "regex", Group: groupStrings,
		Params:  params(text("pattern"), text("string").orNull()),
		Returns: flow.OfText | flow.OfList | flow.OfMap,
		Call2:   matchAny, Prepare: preparePattern(match),
		Doc: "what the regular expression (RE2) matches first in the string: the text, or the groups of the pattern as a list, or as an object when they have names. " +
			"No match, or no string, is an error: can(regex(…)) tells whether there is one",
		Examples: []Example{
			{`regex("[0-9]+", "a12b3")`, `"12"`},
			{`regex("(\\w+)@(\\w+)", "joe@home")`, `["joe","home"]`},
			{`regex("(?P<user>\\w+)@(?P<at>\\w+)", "joe@home")`, `{"user":"joe","at":"home"}`},
			{`can(regex("^[0-9]+$", "a12"))`, `false`},
		},
	},
	{
		Name: "regexall", Group: groupStrings,
		Params:  params(text("pattern"), text("string")),
		Returns: flow.OfList,
		Call2:   matchAllAny, Prepare: preparePattern(matchAll),
		Doc:      "a list of all that the regular expression matches in the string, each as regex gives it",
		Examples: []Example{{`regexall("[0-9]+", "a12b3")`, `["12","3"]`}, {`regexall("x", "abc")`, `[]`}},
	},
	{
		Name: "replace", Group: groupStrings,
		Params:  params(text("string"), text("what"), text("replacement")),
		Returns: flow.OfText,
		Call3:   replace, Prepare: prepareReplace,
		Doc: "the string with the replacement in each place of the other; between slashes that is a regular expression, " +
			"whose groups the replacement can name: $1, ${name}",
		Examples: []Example{{`replace("1 + 2", "+", "-")`, `"1 - 2"`}, {`replace("a1b22", "/[0-9]+/", "<$0>")`, `"a<1>b<22>"`}},
	},
}

// preparePattern is the Prepare of a function whose first argument is a
// pattern.
func preparePattern(call func(*pattern.Pattern, flow.Value) (flow.Value, error)) func([]*flow.Value) (*Function, error) {
	return func(constants []*flow.Value) (*Function, error) {
		if constants[0] == nil || constants[0].Kind() != flow.Text {
			return nil, nil
		}
		p, err := pattern.Compile(constants[0].Text())
		if err != nil {
			return nil, err
		}
		return &Function{Call2: func(_, s flow.Value) (flow.Value, error) { return call(p, s) }}, nil
	}
}

// compiled has the patterns that came with events.
var compiled pattern.Cache

func matchAny(s, v flow.Value) (flow.Value, error) {
	p, err := compiled.Get(s.Text())
	if err != nil {
		return flow.NullValue, err
	}
	return match(p, v)
}

func match(p *pattern.Pattern, v flow.Value) (flow.Value, error) {
	if !v.IsNull() {
		if found, ok := p.Match(v.Text()); ok {
			return found, nil
		}
	}
	return flow.NullValue, errNoMatch
}

func matchAllAny(s, v flow.Value) (flow.Value, error) {
	p, err := compiled.Get(s.Text())
	if err != nil {
		return flow.NullValue, err
	}
	return matchAll(p, v)
}

func matchAll(p *pattern.Pattern, v flow.Value) (flow.Value, error) {
	all, ok := p.MatchAll(v.Text(), MaxElements)
	if !ok {
		return flow.NullValue, errTooMany
	}
	return flow.ListOf(all), nil
}

// between returns what stands between slashes.
func between(s string) (string, bool) {
	if len(s) < 2 || s[0] != '/' || s[len(s)-1] != '/' {
		return "", false
	}
	return s[1 : len(s)-1], true
}

func replace(s, what, by flow.Value) (flow.Value, error) {
	if source, ok := between(what.Text()); ok {
		p, err := compiled.Get(source)
		if err != nil {
			return flow.NullValue, err
		}
		return replaceMatches(p, s.Text(), by.Text())
	}
	t, part, with := s.Text(), what.Text(), by.Text()
	if growth := len(with) - len(part); growth > 0 {
		if n := strings.Count(t, part); n > 0 && n > (MaxText-min(len(t), MaxText))/growth {
			return flow.NullValue, errTooLong
		}
	}
	return flow.TextOf(strings.ReplaceAll(t, part, with)), nil
}

func replaceMatches(p *pattern.Pattern, s, by string) (flow.Value, error) {
	replaced, ok := p.Replace(s, by, MaxElements, MaxText)
	if !ok {
		return flow.NullValue, errTooMuch
	}
	return flow.TextOf(replaced), nil
}

func prepareReplace(constants []*flow.Value) (*Function, error) {
	if constants[1] == nil {
		return nil, nil
	}
	source, ok := between(constants[1].Text())
	if !ok {
		return nil, nil
	}
	p, err := pattern.Compile(source)
	if err != nil {
		return nil, err
	}
	return &Function{Call3: func(s, _, by flow.Value) (flow.Value, error) {
		return replaceMatches(p, s.Text(), by.Text())
	}}, nil
}
