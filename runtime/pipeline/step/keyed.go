package step

import (
	"crypto/sha256"
	"sync"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/valuekey"
)

// key is what tells an event from others for a step, until it is released.
type key struct{ spelled []byte }

var keys = sync.Pool{New: func() any { return &key{make([]byte, 0, maxKey)} }}

// maxKey bounds what a key takes where it is remembered: instead of a longer
// one, its hash is.
const maxKey = 64

// keyOf returns the key of an event as x gives it. It is none when x is nil or
// gives null.
func keyOf(x flow.Expr, e *flow.Event) (*key, error) {
	v := flow.NullValue
	if x != nil {
		var err error
		if v, err = x.Eval(e); err != nil {
			return nil, err
		}
	}
	k := keys.Get().(*key)
	k.spelled = k.spelled[:0]
	if !v.IsNull() {
		k.spelled = valuekey.Append(k.spelled, v)
	}
	if len(k.spelled) > maxKey {
		sum := sha256.Sum256(k.spelled)
		k.spelled = append(append(k.spelled[:0], '#'), sum[:]...) // no other key begins so
	}
	return k, nil
}

// none reports whether the event has no key.
func (k *key) none() bool { return len(k.spelled) == 0 }

func (k *key) release() {
	const kept = 64 << 10 // a larger one is not kept for the next
	if cap(k.spelled) <= kept {
		keys.Put(k)
	}
}

// Keyed is what a step remembers by key, bounded: when one more comes, the
// oldest is forgotten. How old an entry is counts from when it was added or
// last renewed. A Keyed is not safe for concurrent use.
type Keyed[V any] struct {
	max     int
	entries map[string]*Entry[V]
	ends    Entry[V] // between the newest (before) and the oldest (after)
}

// Entry is what is remembered under one key.
type Entry[V any] struct {
	Value         V
	key           string
	before, after *Entry[V] // older and newer; nil when it is forgotten
}

// NewKeyed returns an empty Keyed for at most max entries.
func NewKeyed[V any](max int) *Keyed[V] {
	k := &Keyed[V]{max: max, entries: map[string]*Entry[V]{}}
	k.ends.before, k.ends.after = &k.ends, &k.ends
	return k
}

// Len is the number of entries.
func (k *Keyed[V]) Len() int { return len(k.entries) }

// Get returns the entry of key, nil when there is none.
func (k *Keyed[V]) Get(key []byte) *Entry[V] { return k.entries[string(key)] }

// Oldest returns the oldest entry, nil when there is none.
func (k *Keyed[V]) Oldest() *Entry[V] {
	if k.ends.after == &k.ends {
		return nil
	}
	return k.ends.after
}

// Add makes an entry of a key that has none, and forgets the oldest for it
// where it must.
func (k *Keyed[V]) Add(key []byte, v V) *Entry[V] {
	if len(k.entries) >= k.max {
		k.Forget(k.Oldest())
	}
	e := &Entry[V]{Value: v, key: string(key)}
	k.entries[e.key] = e
	k.link(e)
	return e
}

// Renew makes an entry the newest.
func (k *Keyed[V]) Renew(e *Entry[V]) {
	if k.ends.before != e {
		e.unlink()
		k.link(e)
	}
}

// Forgotten reports whether the entry has been taken away.
func (e *Entry[V]) Forgotten() bool { return e.before == nil }

// Forget takes an entry away, if it is there.
func (k *Keyed[V]) Forget(e *Entry[V]) {
	if e.before == nil {
		return
	}
	delete(k.entries, e.key)
	e.unlink()
	e.before, e.after = nil, nil
}

func (k *Keyed[V]) link(e *Entry[V]) {
	e.before, e.after = k.ends.before, &k.ends
	e.before.after, e.after.before = e, e
}

func (e *Entry[V]) unlink() { e.before.after, e.after.before = e.after, e.before }
