package expr

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

func nan() float64 { return math.NaN() }

// toJSON spells a value for comparison with a wanted one.
func toJSON(v flow.Value) string {
	switch v.Kind() {
	case flow.Null:
		return "null"
	case flow.Bool:
		return strconv.FormatBool(v.Bool())
	case flow.Int:
		return strconv.FormatInt(v.Int(), 10)
	case flow.Float:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case flow.Number:
		return v.Text()
	case flow.Text:
		b, _ := json.Marshal(v.Text())
		return string(b)
	case flow.Bytes:
		return "bytes " + string(v.Bytes())
	case flow.List:
		var parts []string
		for _, x := range v.List() {
			parts = append(parts, toJSON(x))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	var parts []string
	for _, f := range v.Object().Fields() {
		parts = append(parts, strconv.Quote(f.Key)+":"+toJSON(f.Value))
	}
	return "{" + strings.Join(parts, ",") + "}"
}
