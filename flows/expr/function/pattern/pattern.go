// Package pattern is regular expressions as the functions of the flow language
// use them: a match is a string, or the groups of the pattern as a list or an
// object. What comes of one match is bounded by its caller.
package pattern

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

// MaxLength bounds the length of a pattern, since one may come with an event.
const MaxLength = 10_000

// Pattern is a compiled regular expression.
type Pattern struct {
	re    *regexp.Regexp
	names []string // of the groups; nil when they have none
}

// Compile reads a regular expression. An error says what is wrong with it, and
// does not quote it.
func Compile(s string) (*Pattern, error) {
	if len(s) > MaxLength {
		return nil, fmt.Errorf("the pattern is longer than %d bytes", MaxLength)
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
	return &Pattern{re, names}, nil
}

// Cache keeps patterns that came with events, up to 64 of them. The zero Cache
// is empty.
type Cache struct {
	mu sync.Mutex
	m  map[string]*Pattern
}

const maxCached = 64

// Get is Compile for a pattern that may have been seen before.
func (c *Cache) Get(s string) (*Pattern, error) {
	c.mu.Lock()
	p := c.m[s]
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	s = strings.Clone(s)
	p, err := Compile(s)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= maxCached {
		c.m = make(map[string]*Pattern, maxCached)
	}
	c.m[s] = p
	return p, nil
}

// Match returns what p matches first in s; false means that it matches nothing.
func (p *Pattern) Match(s string) (flow.Value, bool) {
	if p.re.NumSubexp() == 0 { // without allocating
		found := p.re.FindString(s)
		return flow.TextOf(found), found != "" || p.re.MatchString(s)
	}
	at := p.re.FindStringSubmatchIndex(s)
	if at == nil {
		return flow.NullValue, false
	}
	return p.groups(s, at), true
}

// MatchAll returns all that p matches in s, false where that is more than so
// many values.
func (p *Pattern) MatchAll(s string, most int) ([]flow.Value, bool) {
	values := 1 + p.re.NumSubexp()
	all := p.re.FindAllStringSubmatchIndex(s, most/values+1)
	if len(all)*values > most {
		return nil, false
	}
	found := make([]flow.Value, len(all))
	for i, at := range all {
		found[i] = p.groups(s, at)
	}
	return found, true
}

// Replace returns s with by, in which $1 and ${name} are groups, in each place
// that p matches; false where that is more than so many values, or the result
// has more bytes than that.
func (p *Pattern) Replace(s, by string, most, size int) (string, bool) {
	values := 1 + p.re.NumSubexp()
	all := p.re.FindAllStringSubmatchIndex(s, most/values+1)
	switch {
	case len(all) == 0:
		return s, true
	case len(all)*values > most:
		return "", false
	}
	groups := strings.Count(by, "$")
	var b []byte
	done := 0
	for _, at := range all {
		if len(b)+at[0]-done+len(by)+groups*(at[1]-at[0]) > size {
			return "", false
		}
		b = append(b, s[done:at[0]]...)
		b = p.re.ExpandString(b, by, s, at)
		done = at[1]
	}
	return string(append(b, s[done:]...)), true
}

// groups returns the match at these indexes of s. A group that took no part is
// null.
func (p *Pattern) groups(s string, at []int) flow.Value {
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
