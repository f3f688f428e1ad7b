package pattern

import "testing"

func TestPatternsAreKeptBounded(t *testing.T) {
	var c Cache
	for i := range 3 * maxCached {
		if _, err := c.Get(string(rune('a' + i))); err != nil {
			t.Fatal(err)
		}
		if len(c.m) > maxCached {
			t.Fatalf("%d patterns are kept", len(c.m))
		}
	}
}
