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

// TestReplaceCountsGroups: a pattern of many groups, which may come with an
// event, needs room for each of them in each place.
func TestReplaceCountsGroups(t *testing.T) {
	p, err := Compile("(a)(b)?")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := p.Replace("abab", "<$1>", 6, 100); got != "<a><a>" || !ok {
		t.Errorf("got %q, %v", got, ok)
	}
	if got, ok := p.Replace("ababab", "<$1>", 6, 100); ok {
		t.Errorf("got %q of too many places", got)
	}
}
