package topic

// exact is the index of patterns that stand for themselves.
type exact[S Subscriber] map[string]set[S]

func (x exact[S]) add(pattern string, s S) { x[pattern] = x[pattern].with(s) }

func (x exact[S]) remove(pattern string, s S) {
	if rest := x[pattern].without(s); len(rest) > 0 {
		x[pattern] = rest
	} else {
		delete(x, pattern)
	}
}

func (x exact[S]) match(sets []set[S], topic string) ([]set[S], error) {
	if s := x[topic]; len(s) > 0 {
		sets = append(sets, s)
	}
	return sets, nil
}
