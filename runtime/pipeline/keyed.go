package pipeline

import (
	"crypto/sha256"
	"sync"

	"github.com/flowrun/flowrun/runtime/flow"
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
		k.spelled = flow.AppendKey(k.spelled, v)
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

// keyed is what a step remembers by key, bounded: when one more comes, the
// oldest is forgotten. How old an entry is counts from when it was added or
// last renewed. A keyed is not safe for concurrent use.
type keyed[V any] struct {
	max     int
	entries map[string]*entry[V]
	ends    entry[V] // between the newest (before) and the oldest (after)
}

// entry is what is remembered under one key.
type entry[V any] struct {
	value         V
	key           string
	before, after *entry[V] // older and newer; nil when it is forgotten
}

// newKeyed returns an empty keyed for at most max entries.
func newKeyed[V any](max int) *keyed[V] {
	k := &keyed[V]{max: max, entries: map[string]*entry[V]{}}
	k.ends.before, k.ends.after = &k.ends, &k.ends
	return k
}

// get returns the entry of key, nil when there is none.
func (k *keyed[V]) get(key []byte) *entry[V] { return k.entries[string(key)] }

// oldest returns the oldest entry, nil when there is none.
func (k *keyed[V]) oldest() *entry[V] {
	if k.ends.after == &k.ends {
		return nil
	}
	return k.ends.after
}

// add makes an entry of a key that has none, and forgets the oldest for it
// where it must.
func (k *keyed[V]) add(key []byte, v V) *entry[V] {
	if len(k.entries) >= k.max {
		k.forget(k.oldest())
	}
	e := &entry[V]{value: v, key: string(key)}
	k.entries[e.key] = e
	k.link(e)
	return e
}

// renew makes an entry the newest.
func (k *keyed[V]) renew(e *entry[V]) {
	if k.ends.before != e {
		e.unlink()
		k.link(e)
	}
}

// forget takes an entry away, if it is there.
func (k *keyed[V]) forget(e *entry[V]) {
	if e.before == nil {
		return
	}
	delete(k.entries, e.key)
	e.unlink()
	e.before, e.after = nil, nil
}

func (k *keyed[V]) link(e *entry[V]) {
	e.before, e.after = k.ends.before, &k.ends
	e.before.after, e.after.before = e, e
}

func (e *entry[V]) unlink() { e.before.after, e.after.before = e.after, e.before }
