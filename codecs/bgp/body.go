package bgp

import (
	"encoding/hex"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/flowrun/flowrun/codecs/bgp/internal/family"
	"github.com/flowrun/flowrun/codecs/bgp/internal/spelling"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// What stands before a body of the wire in a lazy value: a byte with the type of its
// message, OPEN or UPDATE, and flags, with which no JSON text begins; then the families whose
// prefixes have path identifiers, and those whose have none.
const (
	markOpen      = 1 << 0
	markAS2       = 1 << 1
	markSpokenAS  = 1 << 2
	markSpokenIDs = 1 << 3
	markGuessed   = 1 << 4

	markSize = 3
)

// lazyBody is the value of a body.
func (m *message) lazyBody() flow.Value {
	if m.typ != bgp.BGP_MSG_OPEN && m.typ != bgp.BGP_MSG_UPDATE {
		return hexValue(m.body)
	}
	var mark byte
	set := func(is bool, flag byte) {
		if is {
			mark |= flag
		}
	}
	set(m.typ == bgp.BGP_MSG_OPEN, markOpen)
	set(m.layout.AS2, markAS2)
	set(m.spoken.as, markSpokenAS)
	set(m.spoken.ids, markSpokenIDs)
	set(m.guessed, markGuessed)
	return flow.LazyOf(append([]byte{mark, uint8(m.layout.Paths), uint8(m.layout.Plain)}, m.body...), form{})
}

// takeBody takes data that came from a session.
func (m *message) takeBody(raw []byte, f form) {
	switch {
	case !isBody(raw):
		m.layout.AS2, m.spoken = f.spoken.as, f.spoken
	case raw[0]&markOpen != 0 == (m.typ == bgp.BGP_MSG_OPEN) && (m.typ == bgp.BGP_MSG_OPEN || m.typ == bgp.BGP_MSG_UPDATE):
		m.body, m.wired = raw[markSize:], true
		m.layout = layoutOf(raw)
		m.guessed, m.spoken = raw[0]&markGuessed != 0, spoken{raw[0]&markSpokenAS != 0, raw[0]&markSpokenIDs != 0}
	}
}

func isBody(raw []byte) bool { return len(raw) >= markSize && raw[0] < ' ' }

func layoutOf(raw []byte) spelling.Layout {
	return spelling.Layout{AS2: raw[0]&markAS2 != 0, Paths: family.Set(raw[1]), Plain: family.Set(raw[2])}
}

// form reads data that came as JSON, and keeps how its session has them: with AS numbers of two
// bytes, with path identifiers.
func (s spoken) form() flow.Form {
	switch s {
	case spoken{}:
		return jsontext.Form{}
	case spoken{as: true}:
		return asForm
	case spoken{ids: true}:
		return idsForm
	}
	return bothForm
}

// They are made once, not for each message.
var asForm, idsForm, bothForm flow.Form = form{spoken: spoken{as: true}}, form{spoken: spoken{ids: true}}, form{spoken: spoken{as: true, ids: true}}

func hexValue(b []byte) flow.Value {
	if len(b) == 0 {
		return flow.NullValue
	}
	return flow.TextOf("0x" + hex.EncodeToString(b))
}

// form reads bodies of OPEN and UPDATE messages, and what it has found in one:
// that is JSON, which it makes of a body when somebody looks into it.
type form struct {
	json   jsontext.Form
	spoken spoken // of what came as JSON
}

// text is raw as JSON.
func text(raw []byte) []byte {
	if isBody(raw) {
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
	if isBody(raw) {
		return flow.Map
	}
	return f.json.Kind(raw)
}

// appendBody appends a body, behind its mark, as JSON.
func appendBody(dst, raw []byte) []byte {
	if raw[0]&markOpen != 0 {
		return spelling.AppendOpen(dst, raw[markSize:])
	}
	return spelling.AppendUpdate(dst, raw[markSize:], layoutOf(raw))
}
