package function

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"github.com/flowrun/flowrun/runtime/flow"
)

// maxPattern bounds the length of a regular expression, since one may come
// with an event.
const maxPattern = 10_000

var errNoMatch = errors.New("the pattern matches nothing in the string: can(regex(…)) tells whether it does, try(regex(…), null) is null where it does not")

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

// pattern is a compiled regular expression.
type pattern struct {
	*regexp.Regexp
	names []string // of the groups; nil when they have none
}

func compilePattern(s string) (*pattern, error) {
	if len(s) > maxPattern {
		return nil, fmt.Errorf("the pattern is longer than %d bytes", maxPattern)
	}
	re, err := regexp.Compile(s)
	if err != nil {
		// Without the pattern, which may come with an event.
		if e := (*syntax.Error)(nil); errors.As(err, &e) {
			return nil, fmt.Errorf("the pattern is no regular expression: %s", e.Code)
		}
		return nil, errors.New("the pattern is no regular expression")
	}
	names := re.SubexpNames()[1:]
	switch {
	case !slices.ContainsFunc(names, func(n string) bool { return n != "" }):
		names = nil
	case slices.Contains(names, ""):
		return nil, errors.New("the pattern has groups with a name and groups without: name all of them, or write (?:…) for those that are not wanted")
	}
	return &pattern{re, names}, nil
}

// compiled holds patterns that came with events.
var compiled patternCache

type patternCache struct {
	mu sync.Mutex
	m  map[string]*pattern
}

const maxCached = 64

func (c *patternCache) get(s string) (*pattern, error) {
	c.mu.Lock()
	p := c.m[s]
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	s = strings.Clone(s)
	p, err := compilePattern(s)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= maxCached {
		c.m = make(map[string]*pattern, maxCached)
	}
	c.m[s] = p
	return p, nil
}

// preparePattern is the Prepare of a function whose first argument is a
// pattern.
func preparePattern(call func(*pattern, flow.Value) (flow.Value, error)) func([]*flow.Value) (*Function, error) {
	return func(constants []*flow.Value) (*Function, error) {
		if constants[0] == nil || constants[0].Kind() != flow.Text {
			return nil, nil
		}
		p, err := compilePattern(constants[0].Text())
		if err != nil {
			return nil, err
		}
		return &Function{Call2: func(_, s flow.Value) (flow.Value, error) { return call(p, s) }}, nil
	}
}

func matchAny(s, v flow.Value) (flow.Value, error) {
	p, err := compiled.get(s.Text())
	if err != nil {
		return flow.NullValue, err
	}
	return match(p, v)
}

func matchAllAny(s, v flow.Value) (flow.Value, error) {
	p, err := compiled.get(s.Text())
	if err != nil {
		return flow.NullValue, err
	}
	return matchAll(p, v)
}

func match(p *pattern, v flow.Value) (flow.Value, error) {
	if v.IsNull() {
		return flow.NullValue, errNoMatch
	}
	if p.NumSubexp() == 0 {
		at := p.FindStringIndex(v.Text())
		if at == nil {
			return flow.NullValue, errNoMatch
		}
		return flow.TextOf(v.Text()[at[0]:at[1]]), nil
	}
	at := p.FindStringSubmatchIndex(v.Text())
	if at == nil {
		return flow.NullValue, errNoMatch
	}
	return p.groups(v.Text(), at), nil
}

func matchAll(p *pattern, v flow.Value) (flow.Value, error) {
	all := p.FindAllStringSubmatchIndex(v.Text(), MaxElements/(1+p.NumSubexp())+1)
	if len(all)*(1+p.NumSubexp()) > MaxElements {
		return flow.NullValue, errTooMany
	}
	found := make([]flow.Value, len(all))
	for i, at := range all {
		found[i] = p.groups(v.Text(), at)
	}
	return flow.ListOf(found), nil
}

// groups returns the match at these indexes of s. A group that took no part is
// null.
func (p *pattern) groups(s string, at []int) flow.Value {
	if len(at) == 2 {
		return flow.TextOf(s[at[0]:at[1]])
	}
	groups := make([]flow.Value, len(at)/2-1)
	for i := range groups {
		if from, to := at[2*i+2], at[2*i+3]; from >= 0 {
			groups[i] = flow.TextOf(s[from:to])
		}
	}
	if p.names == nil {
		return flow.ListOf(groups)
	}
	o := flow.NewObject(len(groups))
	for i, name := range p.names {
		o.Set(name, groups[i])
	}
	return flow.MapOf(o)
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
		p, err := compiled.get(source)
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

func replaceMatches(p *pattern, s, by string) (flow.Value, error) {
	all := p.FindAllStringSubmatchIndex(s, MaxElements+1)
	if len(all) > MaxElements {
		return flow.NullValue, errors.New("there are more than 1,000,000 places to replace: make it of less")
	}
	groups := strings.Count(by, "$")
	var b []byte
	done := 0
	for _, at := range all {
		if len(b)+at[0]-done+len(by)+groups*(at[1]-at[0]) > MaxText {
			return flow.NullValue, errTooLong
		}
		b = append(b, s[done:at[0]]...)
		b = p.ExpandString(b, by, s, at)
		done = at[1]
	}
	if len(all) == 0 {
		return flow.TextOf(s), nil
	}
	return flow.TextOf(string(append(b, s[done:]...))), nil
}

func prepareReplace(constants []*flow.Value) (*Function, error) {
	if constants[1] == nil {
		return nil, nil
	}
	source, ok := between(constants[1].Text())
	if !ok {
		return nil, nil
	}
	p, err := compilePattern(source)
	if err != nil {
		return nil, err
	}
	return &Function{Call3: func(s, _, by flow.Value) (flow.Value, error) {
		return replaceMatches(p, s.Text(), by.Text())
	}}, nil
}
