package runner

import (
	"maps"
	"slices"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/runner/process"
	"github.com/flowrun/flowrun/flows/testfile"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Result is what came of one case.
type Result struct {
	Name     string // folder and name: "tremor_echo/tremor_echo"
	Kind     testfile.Kind
	At       flow.Place
	Tags     []string
	Start    time.Time
	Took     time.Duration
	Failures []Failure // none when the case has passed
	// Outputs are the last lines of what the processes of a failed test printed.
	Outputs  []process.Account
	Scratch  string   // the folder of a failed test
	Updated  []string // expected files that were rewritten
	Measured *Figures // what a bench has found
}

// Failure is one thing that was not as expected.
type Failure struct {
	At      flow.Place
	Message string // one line
	Detail  string // lines, may be empty
}

// Passed reports whether all was as expected.
func (r *Result) Passed() bool { return len(r.Failures) == 0 }

func (r *Result) fail(at flow.Place, message, detail string) {
	r.Failures = append(r.Failures, Failure{at, message, detail})
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
