package step

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

// TestKeyed compares a keyed with a list in order.
func TestKeyed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const most = 5
	k := NewKeyed[int](most)
	var want []string // from the oldest
	for step := range 10000 {
		key := fmt.Sprint(random.IntN(8))
		e := k.Get([]byte(key))
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
			k.Add([]byte(key), step)
		case random.IntN(3) == 0:
			k.Forget(e)
			k.Forget(e) // nothing happens
			want = slices.Delete(want, at, at+1)
		default:
			k.Renew(e)
			want = append(slices.Delete(want, at, at+1), key)
		}
		var got []string
		for e := k.ends.after; e != &k.ends; e = e.after {
			got = append(got, e.key)
		}
		if len(k.entries) != len(got) || strings.Join(got, " ") != strings.Join(want, " ") {
			t.Fatalf("step %d: got %v (%d), want %v", step, got, len(k.entries), want)
		}
		if old := k.Oldest(); (old == nil) != (len(want) == 0) || old != nil && old.key != want[0] {
			t.Fatalf("step %d: oldest is %v, want the first of %v", step, old, want)
		}
	}
}

// TestKeysAreShort: a long key takes as little as any other, and stays what it
// is.
func TestKeysAreShort(t *testing.T) {
	x := payload{}
	spelled := func(v flow.Value) string {
		k, err := keyOf(x, &flow.Event{Value: v})
		if err != nil {
			t.Fatal(err)
		}
		defer k.release()
		return string(k.spelled)
	}
	seen := map[string]string{}
	for _, text := range []string{"", "a", strings.Repeat("a", 62), strings.Repeat("a", 63), strings.Repeat("a", 1<<20), strings.Repeat("b", 1<<20)} {
		k := spelled(flow.TextOf(text))
		if len(k) > maxKey || len(k) == 0 {
			t.Errorf("the key of %d bytes has %d", len(text), len(k))
		}
		if other, again := seen[k]; again {
			t.Errorf("%d and %d bytes have one key", len(other), len(text))
		}
		seen[k] = text
		if again := spelled(flow.TextOf(text)); again != k {
			t.Errorf("%d bytes have two keys", len(text))
		}
	}
	if k := spelled(flow.NullValue); k != "" {
		t.Errorf("null has the key %q", k)
	}
}

// payload is an expression: that of the whole event.
type payload struct{ flow.Expr }

func (payload) Eval(e *flow.Event, _ ...flow.Value) (flow.Value, error) { return e.Payload() }
