package topic

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const wildcards = "*?"

// globs is the index of patterns with wildcards.
//
// The text before a pattern's first wildcard and that behind its last one are
// looked up; how long they are, its shape, is tried for each shape that there is.
// Patterns that agree in both are tried one by one, so that a lookup is a scan
// only where patterns begin and end with a wildcard.
type globs[S Subscriber] struct {
	plain  exact[S] // patterns without wildcards
	shapes map[shape]map[ends][]*glob[S]
}

type shape struct{ before, behind int }

type ends struct{ before, behind string }

type glob[S Subscriber] struct {
	middle string // of the pattern, from its first wildcard to its last
	set    set[S]
}

// cut takes a pattern apart; middle is empty where there is no wildcard.
func cut(pattern string) (e ends, middle string) {
	first := strings.IndexAny(pattern, wildcards)
	if first < 0 {
		return ends{before: pattern}, ""
	}
	last := strings.LastIndexAny(pattern, wildcards)
	return ends{pattern[:first], pattern[last+1:]}, pattern[first : last+1]
}

func (x *globs[S]) add(pattern string, s S) {
	e, middle := cut(pattern)
	if middle == "" {
		if x.plain == nil {
			x.plain = exact[S]{}
		}
		x.plain.add(pattern, s)
		return
	}
	if x.shapes == nil {
		x.shapes = map[shape]map[ends][]*glob[S]{}
	}
	at := shape{len(e.before), len(e.behind)}
	if x.shapes[at] == nil {
		x.shapes[at] = map[ends][]*glob[S]{}
	}
	globs := x.shapes[at][e]
	i := slices.IndexFunc(globs, func(g *glob[S]) bool { return g.middle == middle })
	if i < 0 {
		i = len(globs)
		globs = append(globs, &glob[S]{middle: middle})
		x.shapes[at][e] = globs
	}
	globs[i].set = globs[i].set.with(s)
}

func (x *globs[S]) remove(pattern string, s S) {
	e, middle := cut(pattern)
	if middle == "" {
		x.plain.remove(pattern, s)
		return
	}
	at := shape{len(e.before), len(e.behind)}
	globs := x.shapes[at][e]
	i := slices.IndexFunc(globs, func(g *glob[S]) bool { return g.middle == middle })
	if i < 0 {
		return
	}
	if globs[i].set = globs[i].set.without(s); len(globs[i].set) > 0 {
		return
	}
	if globs = slices.Delete(globs, i, i+1); len(globs) > 0 {
		x.shapes[at][e] = globs
		return
	}
	if delete(x.shapes[at], e); len(x.shapes[at]) == 0 {
		delete(x.shapes, at)
	}
}

func (x *globs[S]) match(sets []set[S], topic string) ([]set[S], error) {
	sets, _ = x.plain.match(sets, topic)
	for at, byEnds := range x.shapes {
		behind := len(topic) - at.behind
		if at.before > behind {
			continue
		}
		for _, g := range byEnds[ends{topic[:at.before], topic[behind:]}] {
			if g.middle == "*" || matches(g.middle, topic[at.before:behind]) {
				sets = append(sets, g.set)
			}
		}
	}
	return sets, nil
}

// matches reports whether pattern stands for text. When what follows a star does
// not fit, the star takes one character more; only the last star has to.
func matches(pattern, text string) bool {
	star, retry := -1, 0 // what follows the last star, and where in text that was tried
	p, t := 0, 0
	for t < len(text) {
		_, n := utf8.DecodeRuneInString(text[t:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			p++
			star, retry = p, t
		case p < len(pattern) && pattern[p] == '?':
			p++
			t += n
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0:
			_, n = utf8.DecodeRuneInString(text[retry:])
			retry += n
			p, t = star, retry
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
