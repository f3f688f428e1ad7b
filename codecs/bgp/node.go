package bgp

import (
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// node is a part of the data of a message, in whichever form it is there: JSON
// that nobody has looked into, which is read where it stands, or a value.
type node struct {
	raw []byte // JSON that was checked; nil where it is v
	v   flow.Value
}

func nodeOf(v flow.Value) node {
	if raw, f, ok := v.Encoded(); ok {
		switch f.(type) {
		case jsontext.Form:
			return node{raw: raw}
		case form:
			return node{raw: text(raw)}
		}
	}
	return node{v: v}
}

func (n node) kind() flow.Kind {
	if n.raw == nil {
		return n.v.Kind()
	}
	return jsontext.Form{}.Kind(n.raw)
}

// scalar is what is neither a list nor an object; null of these.
func (n node) scalar() flow.Value {
	if n.raw == nil {
		return n.v
	}
	v, _ := jsontext.Form{}.Scalar(n.raw)
	return v
}

// json is it as JSON.
func (n node) json() []byte {
	if n.raw != nil {
		return n.raw
	}
	b, _ := appendJSON(nil, n.v) // of what cannot be written, nothing is right
	return b
}

func (n node) text() string { return n.scalar().Text() }

// get is what an object has under a key, null where there is no such thing.
func (n node) get(key string) node {
	if n.raw == nil {
		v, _ := n.v.Object().Get(key)
		return nodeOf(v)
	}
	raw, _ := jsontext.Form{}.Find(n.raw, []flow.Step{{Key: key}})
	return node{raw: raw}
}

// parts are those of a list or an object, one after the other; none of others.
func (n node) parts() parts {
	if n.raw != nil {
		return parts{json: jsontext.PartsOf(n.raw)}
	}
	return parts{fields: n.v.Object().Fields(), list: n.v.List()}
}

// parts walks through a list or an object. Of JSON it passes both values of a
// key that is there twice; the last one counts.
type parts struct {
	key string // of the part, in an object
	node

	json   jsontext.Parts
	fields []flow.Field
	list   []flow.Value
}

func (p *parts) next() bool {
	switch {
	case len(p.fields) > 0:
		p.key, p.node = p.fields[0].Key, nodeOf(p.fields[0].Value)
		p.fields = p.fields[1:]
	case len(p.list) > 0:
		p.node = nodeOf(p.list[0])
		p.list = p.list[1:]
	case p.json.Next():
		p.key, p.node = p.json.Key, node{raw: p.json.Raw}
	default:
		return false
	}
	return true
}
