package access

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestAtExpiry: what is to be done at the end of an identity is done then, once, and
// not when it has been stopped before, or when there is no end.
func TestAtExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ends := time.Now().Add(time.Hour)
		done := map[string]time.Time{}
		do := func(name string) func() { return func() { done[name] = time.Now() } }
		(&Identity{Expires: ends}).AtExpiry(do("ends"))
		(&Identity{Expires: ends}).AtExpiry(do("stopped"))()
		(&Identity{}).AtExpiry(do("endless"))()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if len(done) != 1 || !done["ends"].Equal(ends) {
			t.Errorf("done: %v; the identity has ended at %v", done, ends)
		}
	})
}
