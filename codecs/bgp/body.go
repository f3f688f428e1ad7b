package bgp

import (
	"encoding/hex"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/flowrun/flowrun/codecs/bgp/internal/spelling"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// What stands before a body of the wire in a lazy value: the type of its
// message, OPEN or UPDATE, and what must be known to read it. No JSON text begins with
// such a byte.
const (
	markType    = 3
	markGuessed = 4 << 0
	markAS2     = 4 << 1
	markAddPath = 4 << 2
)

// lazyBody is the value of a body.
func (m *message) lazyBody() flow.Value {
	if m.typ != bgp.BGP_MSG_OPEN && m.typ != bgp.BGP_MSG_UPDATE {
		return hexValue(m.body)
	}
	mark := m.typ
	if m.as2 {
		mark |= markAS2
	}
	if m.addPath {
		mark |= markAddPath
	}
	if m.guessed {
		mark |= markGuessed
	}
	return flow.LazyOf(append([]byte{mark}, m.body...), form{})
}

func hexValue(b []byte) flow.Value {
	if len(b) == 0 {
		return flow.NullValue
	}
	return flow.TextOf("0x" + hex.EncodeToString(b))
}

// form reads bodies of OPEN and UPDATE messages, and what it has found in one:
// that is JSON, which it makes of a body when somebody looks into it.
type form struct{ json jsontext.Form }

// text is raw as JSON.
func text(raw []byte) []byte {
	if len(raw) > 0 && raw[0] < ' ' {
		return appendBody(nil, raw)
	}
	return raw
}

func (f form) Decode(raw []byte) (flow.Value, error) { return f.json.Decode(text(raw)) }

func (f form) Find(raw []byte, path []flow.Step) ([]byte, bool) {
	if len(path) == 0 {
		return raw, true
	}
	return f.json.Find(text(raw), path)
}

func (f form) Scalar(raw []byte) (flow.Value, bool) { return f.json.Scalar(text(raw)) }
func (f form) Open(raw []byte) flow.Value           { return f.json.Open(text(raw)) }

func (f form) Kind(raw []byte) flow.Kind {
	if len(raw) > 0 && raw[0] < ' ' {
		return flow.Map
	}
	return f.json.Kind(raw)
}

// appendBody appends a body, behind its mark, as JSON.
func appendBody(dst, raw []byte) []byte {
	mark, body := raw[0], raw[1:]
	if mark&markType == bgp.BGP_MSG_OPEN {
		return spelling.AppendOpen(dst, body)
	}
	return spelling.AppendUpdate(dst, body, mark&markAS2 != 0, mark&markAddPath != 0)
}
