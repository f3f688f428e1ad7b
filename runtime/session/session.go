// Package session tells whose connections there are: those that share a key. It
// knows keys and no connections.
package session

import (
	"fmt"
	"slices"
	"sync"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/valuekey"
)

// Book holds the members of each key, the oldest first. One that has been
// replaced is none of them any more, although it may not have ended yet. Its
// methods may be called from any goroutine.
type Book[S comparable] struct {
	terms *flow.Sessions
	mu    sync.RWMutex
	byKey map[string][]S
}

// NewBook returns an empty book.
func NewBook[S comparable](terms *flow.Sessions) *Book[S] {
	return &Book[S]{terms: terms, byKey: map[string][]S{}}
}

// Whose computes whose a connection is; null for nobody's.
func (b *Book[S]) Whose(o *flow.Origin) (flow.Value, error) {
	v, err := b.terms.Key.Eval(&flow.Event{Origin: o})
	if err == nil {
		err = Check(v)
	}
	return v, err
}

// Key computes the key of a connection; it is empty for one that is nobody's.
func (b *Book[S]) Key(o *flow.Origin) (string, error) {
	v, err := b.Whose(o)
	if err != nil || v.IsNull() {
		return "", err
	}
	return keyOf(v), nil
}

// Check reports what can be no identity.
func Check(v flow.Value) error {
	if v.IsNull() || v.Kind() == flow.Text || v.IsNumber() || v.Kind() == flow.Bool {
		return nil
	}
	return fmt.Errorf("an identity is a string or a number, and this is %s", v.Kinds())
}

func keyOf(v flow.Value) string { return string(valuekey.Append(nil, v)) }

// Admit reports whether one more of a key may come now: flow.ErrDuplicate, or
// nil.
func (b *Book[S]) Admit(key string) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.admit(key)
}

func (b *Book[S]) admit(key string) error {
	if b.terms.OnConflict == "reject" && len(b.byKey[key]) >= b.terms.MaxPerKey {
		return flow.ErrDuplicate
	}
	return nil
}

// Enter adds a member. Where there are too many, that is refused as by Admit, or
// the oldest is replaced.
func (b *Book[S]) Enter(key string, s S) (replaced S, some bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.admit(key); err != nil {
		return replaced, false, err
	}
	had := b.byKey[key]
	if some = len(had) >= b.terms.MaxPerKey; some {
		replaced, had = had[0], had[1:]
	}
	b.byKey[key] = append(slices.Clip(had), s) // others may hold the slice
	return replaced, some, nil
}

// Leave takes a member out, if it still is one.
func (b *Book[S]) Leave(key string, s S) {
	b.mu.Lock()
	defer b.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(b.byKey[key]), func(other S) bool { return other == s })
	if len(rest) == 0 {
		delete(b.byKey, key)
	} else {
		b.byKey[key] = rest
	}
}

// Of appends the members of the identities that v, computed by a flow, names to
// dst, each once: one identity, a list of them, or null for none.
func (b *Book[S]) Of(dst []S, v flow.Value) ([]S, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if v.Kind() != flow.List {
		return b.of(dst, v)
	}
	seen := map[string]bool{}
	for _, x := range v.List() {
		if k := keyOf(x); !seen[k] {
			seen[k] = true
			var err error
			if dst, err = b.of(dst, x); err != nil {
				return dst, err
			}
		}
	}
	return dst, nil
}

func (b *Book[S]) of(dst []S, v flow.Value) ([]S, error) {
	if err := Check(v); err != nil || v.IsNull() {
		return dst, err
	}
	return append(dst, b.byKey[keyOf(v)]...), nil
}
