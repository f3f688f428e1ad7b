package steptest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

// Problems are those of a component: without an err port, and with no log.
func Problems(kind, name string) *flow.Problems {
	return &flow.Problems{Component: &flow.Component{Kind: kind, Name: name}, Log: zap.NewNop()}
}

// Failed spells which of n events failed: "2 5".
func Failed(err error, n int) string {
	var s []string
	flow.Failures(err, n, func(i int, _ error) { s = append(s, fmt.Sprint(i)) })
	return strings.Join(s, " ")
}

// Check compares what a test got with what it wants.
func Check(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// Heap is how many bytes are in use, and not only waiting to be collected.
func Heap() uint64 {
	runtime.GC()
	runtime.GC() // the first one leaves what pools have
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
