package access

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/flowrun/flowrun/runtime/flow"
)

// valueOf makes a value of what encoding/json has decoded, with numbers as
// json.Number. Keys are sorted: it has forgotten their order.
func valueOf(v any) flow.Value {
	switch v := v.(type) {
	case string:
		return flow.TextOf(v)
	case bool:
		return flow.BoolOf(v)
	case json.Number:
		return flow.NumberOf(v.String())
	case []any:
		list := make([]flow.Value, 0, len(v))
		for _, x := range v {
			list = append(list, valueOf(x))
		}
		return flow.ListOf(list)
	case map[string]any:
		o := flow.NewObject(len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			o.Set(key, valueOf(v[key]))
		}
		return flow.MapOf(o)
	}
	return flow.NullValue
}
