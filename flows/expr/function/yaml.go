package function

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// The bounds of YAML texts that are read: the parser takes a time that grows
// with the square of their length, and a second for the worst of these.
const (
	maxYAML      = 64 << 10 // bytes
	maxYAMLDepth = 500
)

// yamlEncode spells a value in block style. What needs no quotes has none.
func yamlEncode(v flow.Value) (flow.Value, error) {
	b, err := appendYAML(nil, v, 0)
	if err != nil {
		return flow.NullValue, err
	}
	return boundText(strings.TrimPrefix(string(append(b, '\n')), "\n"))
}

// appendYAML appends v behind a key or a dash. A list or object begins on a
// line of its own, indented by so many spaces.
func appendYAML(dst []byte, v flow.Value, spaces int) ([]byte, error) {
	if len(dst) > MaxText {
		return dst, errTooLong
	}
	var err error
	switch {
	case v.Kind() == flow.List && len(v.List()) > 0:
		for _, x := range v.List() {
			dst = append(lineOf(dst, spaces), '-')
			if dst, err = appendYAML(dst, x, spaces+2); err != nil {
				return dst, err
			}
		}
		return dst, nil
	case v.Kind() == flow.Map && v.Object().Len() > 0:
		for _, f := range v.Object().Fields() {
			dst = append(appendYAMLText(lineOf(dst, spaces), f.Key), ':')
			if dst, err = appendYAML(dst, f.Value, spaces+2); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
	if len(dst) > 0 {
		dst = append(dst, ' ')
	}
	switch v.Kind() {
	case flow.Text:
		return appendYAMLText(dst, v.Text()), nil
	case flow.Bytes:
		dst = append(dst, "!!binary "...)
	}
	return jsontext.Append(dst, v, false)
}

// lineOf begins a line, right here when a dash began it and nothing more.
func lineOf(dst []byte, spaces int) []byte {
	if n := len(dst); n >= spaces-1 && spaces > 0 && dst[n-1] == '-' && strings.TrimLeft(string(dst[max(0, n-spaces):n]), "\n -") == "" {
		return append(dst, ' ')
	}
	return append(append(dst, '\n'), strings.Repeat(" ", spaces)...)
}

var (
	plainYAML    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)
	reservedYAML = strings.Fields("true false null yes no on off y n nan inf")
)

func appendYAMLText(dst []byte, s string) []byte {
	if plainYAML.MatchString(s) && !slices.Contains(reservedYAML, strings.ToLower(s)) {
		return append(dst, s...)
	}
	dst, _ = jsontext.Append(dst, flow.TextOf(s), false)
	return dst
}

// yamlDecode reads one document. The parser is a guest that sees what comes
// with events: it gets texts of bounded depth, and its panics are errors.
func yamlDecode(v flow.Value) (result flow.Value, err error) {
	text := v.Text()
	if len(text) > maxYAML {
		return flow.NullValue, errors.New("the YAML is longer than 64 KiB")
	}
	if yamlDepth(text) > maxYAMLDepth {
		return flow.NullValue, fmt.Errorf("the YAML is nested deeper than %d", maxYAMLDepth)
	}
	defer func() {
		if recover() != nil {
			result, err = flow.NullValue, errYAML
		}
	}()
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		return flow.NullValue, errYAML
	}
	docs := slices.DeleteFunc(file.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil })
	switch len(docs) {
	case 0:
		return flow.NullValue, nil
	case 1:
		d := &yamlReader{anchors: map[string]anchor{}, left: MaxElements}
		return d.value(docs[0].Body, 0)
	}
	return flow.NullValue, errors.New("the text has more than one YAML document")
}

var errYAML = errors.New("the text is no YAML")

// yamlDepth is how deep a text nests at most, by its brackets and by the dashes
// that follow each other in a line; indentation costs so much text that it
// needs no bound of its own.
func yamlDepth(text string) int {
	deepest, open := 0, 0
	for line := range strings.Lines(text) {
		inLine := 0
		for i := range len(line) {
			switch c := line[i]; c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			case '-', '?', ':', '!', '&':
				inLine++
			}
			deepest = max(deepest, open)
		}
		if inLine > maxYAMLDepth && nestedIndicators(line) {
			return inLine
		}
	}
	return deepest
}

// nestedIndicators reports whether a line begins with more indicators than
// are ever nested.
func nestedIndicators(line string) bool {
	words := strings.Fields(line)
	n := slices.IndexFunc(words, func(w string) bool { return !strings.ContainsAny(w[:1], "-?:!&") })
	return n < 0 && len(words) > maxYAMLDepth || n > maxYAMLDepth
}

// yamlReader makes values of nodes.
type yamlReader struct {
	anchors map[string]anchor
	left    int // how many more values there may be
}

// anchor is a value that has a name, and how many values are in it.
type anchor struct {
	value flow.Value
	size  int
}

func (r *yamlReader) value(n ast.Node, depth int) (flow.Value, error) {
	if r.left--; r.left < 0 {
		return flow.NullValue, errTooMany
	}
	if depth > maxYAMLDepth {
		return flow.NullValue, fmt.Errorf("the YAML is nested deeper than %d", maxYAMLDepth)
	}
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return flow.NullValue, nil
	case *ast.BoolNode:
		return flow.BoolOf(n.Value), nil
	case *ast.IntegerNode:
		switch i := n.Value.(type) {
		case int64:
			return flow.IntOf(i), nil
		case uint64:
			return flow.NumberOf(fmt.Sprint(i)), nil
		}
		return flow.NullValue, errYAML
	case *ast.FloatNode:
		if s := n.Token.Value; jsontext.IsNumber(s) {
			return flow.NumberOf(s), nil
		}
		return flow.FloatOf(n.Value), nil
	case *ast.InfinityNode, *ast.NanNode:
		return flow.NullValue, errors.New("the YAML has a number that is infinite or none")
	case *ast.StringNode:
		if n.Token.Type == token.StringType && jsontext.IsNumber(n.Value) { // 1e3 is one in YAML 1.2
			return flow.NumberOf(n.Value), nil
		}
		return flow.TextOf(n.Value), nil
	case *ast.LiteralNode:
		return flow.TextOf(n.Value.Value), nil
	case *ast.SequenceNode:
		list := make([]flow.Value, 0, len(n.Values))
		for _, x := range n.Values {
			v, err := r.value(x, depth+1)
			if err != nil {
				return flow.NullValue, err
			}
			list = append(list, v)
		}
		return flow.ListOf(list), nil
	case *ast.MappingNode:
		return r.object(n.Values, depth)
	case *ast.MappingValueNode:
		return r.object([]*ast.MappingValueNode{n}, depth)
	case *ast.MappingKeyNode:
		return r.value(n.Value, depth+1)
	case *ast.AnchorNode:
		before := r.left
		v, err := r.value(n.Value, depth+1)
		r.anchors[n.Name.GetToken().Value] = anchor{v, before - r.left}
		return v, err
	case *ast.AliasNode:
		a, ok := r.anchors[n.Value.GetToken().Value]
		if r.left -= a.size; !ok || r.left < 0 {
			return flow.NullValue, errors.New("the YAML repeats (*) what is not there, or too much")
		}
		return a.value, nil
	case *ast.TagNode:
		return r.tagged(n, depth)
	}
	return flow.NullValue, errYAML
}

func (r *yamlReader) object(fields []*ast.MappingValueNode, depth int) (flow.Value, error) {
	o := flow.NewObject(len(fields))
	for _, f := range fields {
		v, err := r.value(f.Value, depth+1)
		if err != nil {
			return flow.NullValue, err
		}
		if f.Key.IsMergeKey() {
			if err := mergeYAML(o, v); err != nil {
				return flow.NullValue, err
			}
			continue
		}
		key, err := r.value(f.Key, depth+1)
		if err != nil {
			return flow.NullValue, err
		}
		name, err := appendScalar(nil, key)
		if err != nil {
			return flow.NullValue, errors.New("the YAML has a key that is a list or an object")
		}
		if key.IsNull() {
			name = []byte("null")
		}
		o.Set(string(name), v)
	}
	return flow.MapOf(o), nil
}

// mergeYAML adds what stands under the key <<: an object or a list of them,
// below what is there.
func mergeYAML(o *flow.Object, v flow.Value) error {
	from := v.List()
	if v.Kind() == flow.Map {
		from = []flow.Value{v}
	}
	for _, x := range from {
		if x.Kind() != flow.Map {
			return errors.New("the YAML merges (<<) what is no object")
		}
		for _, f := range x.Object().Fields() {
			if _, ok := o.Get(f.Key); !ok {
				o.Set(f.Key, f.Value)
			}
		}
	}
	return nil
}

// tagged knows the tags that change the type of a scalar.
func (r *yamlReader) tagged(n *ast.TagNode, depth int) (flow.Value, error) {
	v, err := r.value(n.Value, depth+1)
	if err != nil {
		return v, err
	}
	switch n.Start.Value {
	case "!!str":
		if b, err := appendScalar(nil, v); err == nil {
			return flow.TextOf(string(b)), nil
		}
	case "!!binary":
		compact := strings.Map(func(c rune) rune {
			if strings.ContainsRune(" \n\r\t", c) {
				return -1
			}
			return c
		}, v.Text())
		if b, err := base64.StdEncoding.DecodeString(compact); err == nil && v.Kind() == flow.Text {
			return flow.BytesOf(b), nil
		}
	case "!!float", "!!int":
		if v.Kind() == flow.Text {
			return toNumber(v)
		}
		if v.IsNumber() {
			return v, nil
		}
	case "!!bool":
		if v.Kind() == flow.Bool {
			return v, nil
		}
	default:
		return v, nil
	}
	return flow.NullValue, fmt.Errorf("the YAML has a %s that is none", n.Start.Value)
}
