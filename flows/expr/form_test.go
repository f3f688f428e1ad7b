package expr

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// jsonForm reads valid JSON without spaces around tokens being a matter, one
// step at a time, and counts what was decoded.
type jsonForm struct{ decoded int }

func (f *jsonForm) Decode(raw []byte) (flow.Value, error) {
	f.decoded++
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return flow.NullValue, err
	}
	return fromAny(v), nil
}

func fromAny(v any) flow.Value {
	switch v := v.(type) {
	case bool:
		return flow.BoolOf(v)
	case string:
		return flow.TextOf(v)
	case json.Number:
		return flow.NumberOf(string(v))
	case []any:
		list := []flow.Value{}
		for _, x := range v {
			list = append(list, fromAny(x))
		}
		return flow.ListOf(list)
	case map[string]any:
		o := flow.NewObject(len(v))
		for k, x := range v {
			o.Set(k, fromAny(x))
		}
		return flow.MapOf(o)
	}
	return flow.NullValue
}

func (f *jsonForm) Find(raw []byte, path []flow.Step) ([]byte, bool) {
	raw = bytes.TrimSpace(raw)
	for _, step := range path {
		opening := byte('{')
		if step.IsIndex {
			opening = '['
		}
		if raw[0] != opening {
			return nil, false
		}
		i, n, found := 1, 0, false
		for !found {
			i = space(raw, i)
			if raw[i] == ',' {
				i = space(raw, i+1)
			}
			if raw[i] == '}' || raw[i] == ']' {
				return nil, false
			}
			found = step.IsIndex && n == step.Index
			if !step.IsIndex {
				end := skip(raw, i)
				found = string(raw[i+1:end-1]) == step.Key
				i = space(raw, end)
				i = space(raw, i+1) // the colon
			}
			end := skip(raw, i)
			if found {
				raw = raw[i:end]
			}
			i, n = end, n+1
		}
	}
	return raw, true
}

func space(raw []byte, i int) int {
	for strings.IndexByte(" \t\r\n", raw[i]) >= 0 {
		i++
	}
	return i
}

// skip returns the index behind the value that begins at i.
func skip(raw []byte, i int) int {
	depth := 0
	for ; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			for i++; raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

func (f *jsonForm) Scalar(raw []byte) (flow.Value, bool) {
	switch raw[0] {
	case '{', '[':
		return flow.NullValue, false
	case 'n':
		return flow.NullValue, true
	case 't', 'f':
		return flow.BoolOf(raw[0] == 't'), true
	case '"':
		if bytes.IndexByte(raw, '\\') >= 0 {
			var s string
			_ = json.Unmarshal(raw, &s)
			return flow.TextOf(s), true
		}
		return flow.TextOf(unsafeString(raw[1 : len(raw)-1])), true
	}
	return flow.NumberOf(unsafeString(raw)), true
}
