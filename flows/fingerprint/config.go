package fingerprint

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/valuekey"
)

// Of returns the fingerprint of several parts together, in this order: values of
// the kinds that configurations are made of, or structs of them with hcl tags,
// also by pointer. Paths below dir count as relative to it, so that a flow can be
// compared with its copy elsewhere. It panics when a part has fields that cannot
// be compared, such as functions: the configuration has a bug then.
func Of(dir string, parts ...any) flow.Fingerprint {
	p := newPrinter()
	p.dir = dir
	for _, part := range parts {
		p.value(reflect.ValueOf(part))
	}
	return p.sum()
}

// printer writes what is compared into a hash. Everything written says where it
// ends, so that no two things are written alike.
type printer struct {
	hash.Hash
	dir string
}

func newPrinter() *printer { return &printer{Hash: sha256.New()} }

func (p *printer) sum() (f flow.Fingerprint) {
	p.Sum(f[:0])
	return f
}

func (p *printer) number(n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	p.Write(b[:])
}

func (p *printer) text(s string) {
	p.number(uint64(len(s)))
	p.Write([]byte(s))
}

var (
	valueType = reflect.TypeFor[flow.Value]()
	pathType  = reflect.TypeFor[setting.Path]()
)

func (p *printer) value(v reflect.Value) {
	if !v.IsValid() {
		p.text("nothing")
		return
	}
	switch v.Type() {
	case valueType:
		p.text(string(valuekey.Append(nil, v.Interface().(flow.Value))))
		return
	case pathType:
		p.text(p.path(v.String()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		p.text(v.String())
	case reflect.Bool:
		p.text(fmt.Sprint(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.number(uint64(v.Int())) //nolint:gosec // the same bits are all that counts
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		p.number(v.Uint())
	case reflect.Float32, reflect.Float64:
		p.number(math.Float64bits(v.Float()))
	case reflect.Slice, reflect.Array:
		p.number(uint64(v.Len())) //nolint:gosec // not negative
		for i := range v.Len() {
			p.value(v.Index(i))
		}
	case reflect.Map:
		p.entries(v)
	case reflect.Struct:
		p.fields(v)
	case reflect.Pointer:
		p.value(v.Elem())
	case reflect.Interface:
		p.whatIsIn(v)
	default:
		panic(fmt.Sprintf("fingerprint: a configuration has a value of type %s, which cannot be compared", v.Type()))
	}
}

// path is a path as seen from the flow.
func (p *printer) path(path string) string {
	if rel, below := strings.CutPrefix(path, p.dir+string(filepath.Separator)); below {
		return rel
	}
	return path
}

func (p *printer) entries(m reflect.Value) {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	p.number(uint64(len(keys)))
	for _, key := range keys {
		p.text(key.String())
		p.value(m.MapIndex(key))
	}
}

// fields writes the fields of a struct: those that flows can set where there
// are any, or else all.
func (p *printer) fields(s reflect.Value) {
	configuration := isConfiguration(s.Type())
	for i := range s.NumField() {
		f := s.Type().Field(i)
		name, tagged := f.Tag.Lookup("hcl")
		if configuration && !tagged && !f.Anonymous {
			continue
		}
		p.text(name)
		p.value(s.Field(i))
	}
}

func isConfiguration(t reflect.Type) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		if _, tagged := f.Tag.Lookup("hcl"); tagged || f.Anonymous && f.Type.Kind() == reflect.Struct && isConfiguration(f.Type) {
			return true
		}
	}
	return false
}

// whatIsIn writes the content of an interface: an expression, a fingerprint of
// something else, or one of several forms of a block.
func (p *printer) whatIsIn(v reflect.Value) {
	if v.IsNil() {
		p.text("none")
		return
	}
	if x, ok := v.Interface().(flow.Fingerprinted); ok {
		f := x.Fingerprint()
		p.Write(f[:])
		return
	}
	p.text(v.Elem().Type().String())
	p.value(v.Elem())
}
