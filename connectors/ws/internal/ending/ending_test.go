package ending

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

func TestCheck(t *testing.T) {
	object := func(fields ...flow.Field) flow.Value { return flow.MapOf(flow.ObjectOf(fields...)) }
	code := func(n int64) flow.Value { return object(flow.Field{Key: "code", Value: flow.IntOf(n)}) }
	for _, good := range []int64{1000, 1001, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 4000, 4999} {
		if err := Check(code(good)); err != nil {
			t.Errorf("%d: %v", good, err)
		}
	}
	for _, bad := range []int64{-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1000 + 1<<32} {
		if err := Check(code(bad)); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("code %d cannot be sent", bad)) {
			t.Errorf("%d: %v", bad, err)
		}
	}
	for want, v := range map[string]flow.Value{
		"":                                  object(flow.Field{Key: "reason", Value: flow.TextOf(strings.Repeat("x", 123))}, flow.Field{Key: "code", Value: flow.NullValue}),
		"room for 123":                      object(flow.Field{Key: "reason", Value: flow.TextOf(strings.Repeat("x", 124))}),
		"reason is a string":                object(flow.Field{Key: "reason", Value: flow.IntOf(1)}),
		"abort is true or false":            object(flow.Field{Key: "abort", Value: flow.TextOf("true")}),
		"code is a whole number":            object(flow.Field{Key: "code", Value: flow.TextOf("1000")}),
		`there is no "cod"`:                 object(flow.Field{Key: "cod", Value: flow.IntOf(1000)}),
		"an object is wanted, { code, reas": flow.IntOf(1000),
	} {
		if err := Check(v); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
