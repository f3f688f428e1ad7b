package pipeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestKeyed compares a keyed with a list in order.
func TestKeyed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const most = 5
	k := newKeyed[int](most)
	var want []string // from the oldest
	for step := range 10000 {
		key := fmt.Sprint(random.IntN(8))
		e := k.get([]byte(key))
		if e != nil && e.key != key {
			t.Fatalf("step %d: got %q for %q", step, e.key, key)
		}
		at := slices.Index(want, key)
		if (e != nil) != (at >= 0) {
			t.Fatalf("step %d: %q is there: %v, want %v", step, key, e != nil, at >= 0)
		}
		switch {
		case e == nil:
			if len(want) == most {
				want = want[1:]
			}
			want = append(want, key)
			k.add([]byte(key), step)
		case random.IntN(3) == 0:
			k.forget(e)
			k.forget(e) // nothing happens
			want = slices.Delete(want, at, at+1)
		default:
			k.renew(e)
			want = append(slices.Delete(want, at, at+1), key)
		}
		var got []string
		for e := k.ends.after; e != &k.ends; e = e.after {
			got = append(got, e.key)
		}
		if len(k.entries) != len(got) || strings.Join(got, " ") != strings.Join(want, " ") {
			t.Fatalf("step %d: got %v (%d), want %v", step, got, len(k.entries), want)
		}
		if old := k.oldest(); (old == nil) != (len(want) == 0) || old != nil && old.key != want[0] {
			t.Fatalf("step %d: oldest is %v, want the first of %v", step, old, want)
		}
	}
}
