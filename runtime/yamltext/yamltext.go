// Package yamltext reads and writes YAML texts as values of the flow language.
//
// The parser is a guest that sees what comes with events, so it is kept on a
// short lead: texts are bounded in length and depth, what aliases repeat is
// counted, and values are made of its tree here, so that numbers keep their
// spelling and objects their order.
package yamltext

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// The bounds of YAML texts that are read: the parser takes a time that grows
// with the square of their length, and a second for the worst of these.
const (
	MaxLength = 64 << 10 // bytes
	MaxDepth  = 500
	maxValues = 1_000_000 // with those that aliases repeat
)

// Append appends v in block style, with the keys of objects in their order and
// quotes where they are needed; bytes have the tag !!binary. What JSON cannot
// say is an error: numbers that are infinite or none.
func Append(dst []byte, v flow.Value) ([]byte, error) {
	b, err := appendValue(nil, v, 0, false)
	if err != nil {
		return dst, err
	}
	return append(append(dst, bytes.TrimPrefix(b, []byte{'\n'})...), '\n'), nil
}

// appendValue appends v behind a key or, with dash, behind the dash of a list.
// A list or object begins on a line of its own, indented by so many spaces,
// or right behind the dash.
func appendValue(dst []byte, v flow.Value, spaces int, dash bool) ([]byte, error) {
	var err error
	switch {
	case v.Kind() == flow.List && len(v.List()) > 0:
		for i, x := range v.List() {
			dst = append(lineOf(dst, spaces, dash && i == 0), '-')
			if dst, err = appendValue(dst, x, spaces+2, true); err != nil {
				return dst, err
			}
		}
		return dst, nil
	case v.Kind() == flow.Map && v.Object().Len() > 0:
		for i, f := range v.Object().Fields() {
			dst = append(appendText(lineOf(dst, spaces, dash && i == 0), f.Key), ':')
			if dst, err = appendValue(dst, f.Value, spaces+2, false); err != nil {
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
		return appendText(dst, v.Text()), nil
	case flow.Bytes:
		dst = append(dst, "!!binary "...)
	}
	return jsontext.Append(dst, v, false)
}

// lineOf begins a line, or goes on behind a dash that began it.
func lineOf(dst []byte, spaces int, dash bool) []byte {
	if dash {
		return append(dst, ' ')
	}
	return append(append(dst, '\n'), strings.Repeat(" ", spaces)...)
}

var (
	plain    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)
	reserved = strings.Fields("true false null yes no on off y n nan inf")
)

func appendText(dst []byte, s string) []byte {
	if plain.MatchString(s) && !slices.Contains(reserved, strings.ToLower(s)) {
		return append(dst, s...)
	}
	dst, _ = jsontext.Append(dst, flow.TextOf(s), false)
	return dst
}

// Parse returns the value of the one document in text, null when there is none.
// It shares no memory with text.
func Parse(text []byte) (flow.Value, error) { return ParseWithin(text, MaxDepth) }

// ParseWithin is Parse of what is nested at most maxDepth deep, MaxDepth at most.
func ParseWithin(text []byte, maxDepth int) (v flow.Value, err error) {
	if len(text) > MaxLength {
		return flow.NullValue, errors.New("the YAML is longer than 64 KiB")
	}
	if !utf8.Valid(text) {
		return flow.NullValue, errors.New("the YAML is not UTF-8")
	}
	if depthOf(string(text)) > maxDepth {
		return flow.NullValue, tooDeep(maxDepth)
	}
	defer func() {
		if recover() != nil {
			v, err = flow.NullValue, errSyntax
		}
	}()
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return flow.NullValue, problem(err)
	}
	docs := slices.DeleteFunc(file.Docs, func(d *ast.DocumentNode) bool {
		_, directive := d.Body.(*ast.DirectiveNode) // like %YAML 1.2, in front of the document
		return d.Body == nil || directive
	})
	switch len(docs) {
	case 0:
		return flow.NullValue, nil
	case 1:
		d := &reader{anchors: map[string]anchor{}, left: maxValues, maxDepth: maxDepth}
		return d.value(docs[0].Body, 0)
	}
	return flow.NullValue, errors.New("the text has more than one YAML document")
}

var errTooMany = errors.New("the YAML has more than 1,000,000 values")

func tooDeep(maxDepth int) error { return fmt.Errorf("the YAML is nested deeper than %d", maxDepth) }

var errSyntax = errors.New("the text is no YAML")

// problem says where the parser gave up. What it says itself quotes the text.
func problem(err error) error {
	var at interface {
		error
		GetToken() *token.Token
	}
	if !errors.As(err, &at) || at.GetToken() == nil || at.GetToken().Position == nil {
		return errSyntax
	}
	what := "something is wrong"
	if strings.Contains(err.Error(), "already defined") {
		what = "a key is there twice"
	}
	return fmt.Errorf("%w: %s in line %d", errSyntax, what, at.GetToken().Position.Line)
}

// depthOf is how deep a text nests at most, by its brackets and by the dashes
// that follow each other in a line; indentation costs so much text that it
// needs no bound of its own.
func depthOf(text string) int {
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
		if inLine > MaxDepth && nestedIndicators(line) {
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
	return n < 0 && len(words) > MaxDepth || n > MaxDepth
}

// reader makes values of nodes.
type reader struct {
	anchors  map[string]anchor
	left     int // how many more values there may be
	maxDepth int
}

// anchor is a value that has a name, and how many values are in it.
type anchor struct {
	value flow.Value
	size  int
}

func (r *reader) value(n ast.Node, depth int) (flow.Value, error) {
	if r.left--; r.left < 0 {
		return flow.NullValue, errTooMany
	}
	if depth > r.maxDepth {
		return flow.NullValue, tooDeep(r.maxDepth)
	}
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return flow.NullValue, nil
	case *ast.BoolNode:
		return flow.BoolOf(n.Value), nil
	case *ast.IntegerNode:
		return plainScalar(n.Token.Value), nil
	case *ast.FloatNode:
		return plainScalar(n.Token.Value), nil
	case *ast.InfinityNode, *ast.NanNode:
		return flow.NullValue, errors.New("the YAML has a number that is infinite or none")
	case *ast.StringNode:
		if n.Token.Type == token.StringType {
			return plainScalar(n.Value), nil
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
	return flow.NullValue, errSyntax
}

// The numbers of YAML 1.2's core schema, section 10.3.2. The parser also takes
// those of 1.1 for numbers, as 0777 (octal there), 1_000 and 0b11.
var (
	inDecimals = regexp.MustCompile(`^([-+]?)0*([0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)
	inDigits   = regexp.MustCompile(`^(0o[0-7]+|0x[0-9a-fA-F]+)$`)
)

// plainScalar is a number where YAML 1.2 takes s for one, spelled as JSON has it,
// and else text.
func plainScalar(s string) flow.Value {
	if jsontext.IsNumber(s) {
		return flow.NumberOf(s)
	}
	if inDigits.MatchString(s) {
		if n, ok := new(big.Int).SetString(s, 0); ok {
			return flow.NumberOf(n.String())
		}
	}
	if m := inDecimals.FindStringSubmatch(s); m != nil && strings.ContainsAny(strings.TrimSuffix(s, m[4]), "0123456789") {
		whole, fraction := m[2], strings.TrimSuffix(m[3], ".")
		if whole == "" {
			whole = "0"
		}
		return flow.NumberOf(strings.TrimPrefix(m[1], "+") + whole + fraction + m[4])
	}
	return flow.TextOf(s)
}

func (r *reader) object(fields []*ast.MappingValueNode, depth int) (flow.Value, error) {
	o := flow.NewObject(len(fields))
	for _, f := range fields {
		v, err := r.value(f.Value, depth+1)
		if err != nil {
			return flow.NullValue, err
		}
		if f.Key.IsMergeKey() {
			if err := merge(o, v); err != nil {
				return flow.NullValue, err
			}
			continue
		}
		key, err := r.value(f.Key, depth+1)
		if err != nil {
			return flow.NullValue, err
		}
		name, ok := scalarText(key)
		if !ok {
			return flow.NullValue, errors.New("the YAML has a key that is a list, an object or bytes")
		}
		o.Set(name, v)
	}
	return flow.MapOf(o), nil
}

// merge adds what stands under the key <<: an object or a list of them,
// below what is there.
func merge(o *flow.Object, v flow.Value) error {
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
func (r *reader) tagged(n *ast.TagNode, depth int) (flow.Value, error) {
	v, err := r.value(n.Value, depth+1)
	if err != nil {
		return v, err
	}
	switch n.Start.Value {
	case "!!str":
		if s, ok := scalarText(v); ok {
			return flow.TextOf(s), nil
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
			v = plainScalar(v.Text())
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

// scalarText is a scalar as it is spelled.
func scalarText(v flow.Value) (string, bool) {
	switch v.Kind() {
	case flow.Text:
		return v.Text(), true
	case flow.Bytes, flow.List, flow.Map:
		return "", false
	}
	b, err := jsontext.Append(nil, v, false)
	return string(b), err == nil
}
