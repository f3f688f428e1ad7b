package steptest

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Play sends what a script says, line by line: "id 1, id 2" is a batch, "+5s"
// lets that time pass, and "finish" calls finish, which is also called in the
// end. It is called within a synctest bubble.
func Play(t testing.TB, to flow.Sink, finish func(), script ...string) {
	t.Helper()
	defer finish()
	for _, line := range script {
		if pause, ok := strings.CutPrefix(line, "+"); ok {
			d, err := time.ParseDuration(pause)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(d)
			synctest.Wait()
			continue
		}
		if line == "finish" {
			finish()
			continue
		}
		if err := to.Send(t.Context(), Batch(strings.Split(line, ", ")...)); err != nil {
			t.Logf("%s: %v", line, err)
		}
	}
}
