package flowtest

import (
	"testing"
	"time"
)

// Until waits for a condition, which what names.
func Until(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !is(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("it does not come to it that %s", what)
		}
	}
}
