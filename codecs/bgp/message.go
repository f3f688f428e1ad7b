package bgp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/flowrun/flowrun/codecs/bgp/internal/octets"
	"github.com/flowrun/flowrun/codecs/bgp/internal/session"
	"github.com/flowrun/flowrun/codecs/bgp/internal/spelling"
	"github.com/flowrun/flowrun/codecs/internal/stamp"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// message is one BGP message between two formats.
type message struct {
	dir   string
	seq   flow.Value // null where the format has none
	ns    int64      // its time
	timed bool       // ns is known
	typ   uint8
	tags  *flow.Object

	// The body is either bytes of the wire, or a value as JSON has it.
	body    []byte
	wired   bool
	terms   session.Terms   // that body is to be read by
	layout  spelling.Layout // of body
	spoken  spoken          // which of it the session has, and not the format alone
	guessed bool            // of path identifiers it is not what was said
	data    flow.Value
}

// spoken says of which parts of a layout the speakers of a session have agreed, so that what
// goes on to a session is laid out so.
type spoken struct{ as, ids bool }

var typeNames = [...]string{1: "OPEN", 2: "UPDATE", 3: "NOTIFY", 4: "KEEPALIVE", 5: "REFRESH"}

func typeName(t uint8) string {
	if int(t) < len(typeNames) && typeNames[t] != "" {
		return typeNames[t]
	}
	return strconv.Itoa(int(t))
}

func typeNamed(s string) (uint8, bool) {
	for t, name := range typeNames {
		if name == s && s != "" {
			return uint8(t), true
		}
	}
	n, err := strconv.ParseUint(s, 10, 8)
	return uint8(n), err == nil && n > 0
}

// payload is the message as flows see it.
func (m *message) payload(c *codec, remote flow.Value) flow.Value {
	o := flow.NewObject(6)
	o.Set("dir", flow.TextOf(m.dir))
	if c.KeepSeq && !m.seq.IsNull() {
		o.Set("seq", m.seq)
	}
	if c.KeepTime && m.timed {
		o.Set("time", flow.TextOf(time.Unix(0, m.ns).UTC().Format(time.RFC3339Nano)))
	}
	o.Set("type", flow.TextOf(typeName(m.typ)))
	if m.wired {
		o.Set("data", m.lazyBody())
	} else {
		o.Set("data", m.data)
	}
	tags := m.tags
	if !c.KeepTags || tags == nil {
		tags = flow.NewObject(1)
	}
	if !remote.IsNull() {
		tags.Set("websocket/remote", remote)
	}
	o.Set("tags", flow.MapOf(tags))
	return flow.MapOf(o)
}

func (m *message) tag(key, value string) {
	if m.tags == nil {
		m.tags = flow.NewObject(6)
	}
	m.tags.Set(key, flow.TextOf(value))
}

// take reads a message that a flow sends. What it does not say stays as it is.
func (m *message) take(v flow.Value) error {
	if v.Kind() != flow.Map {
		return fmt.Errorf("it is of type %v, not an object", v.Kind())
	}
	o := v.Object()
	if d, there := o.Get("dir"); there && !d.IsNull() {
		if m.dir = d.Text(); m.dir != "L" && m.dir != "R" {
			return errors.New(`its dir is neither "L" nor "R"`)
		}
	}
	if m.seq, _ = o.Get("seq"); m.seq.IsNull() {
		m.seq = flow.IntOf(0)
	}
	if m.seq.Kind() != flow.Int {
		return errors.New("its seq is no integer")
	}
	if t, there := o.Get("time"); there && !t.IsNull() {
		if m.ns, m.timed = stamp.ISO8601.Read(t); !m.timed {
			return errors.New("its time is none")
		}
	}
	t, _ := o.Get("type")
	var ok bool
	if m.typ, ok = typeNamed(t.Text()); !ok {
		return errors.New("it has no type that is OPEN, UPDATE, NOTIFY, KEEPALIVE, REFRESH or a number as text")
	}
	tags, _ := o.Get("tags")
	if !tags.IsNull() && tags.Kind() != flow.Map {
		return fmt.Errorf("its tags are of type %v, not an object", tags.Kind())
	}
	m.tags = tags.Object()
	m.data, _ = o.Get("data")
	if raw, f, ok := m.data.Encoded(); ok {
		if f, ours := f.(form); ours {
			m.takeBody(raw, f)
		}
	}
	return nil
}

// wire makes the body bytes of the wire, and returns scratch for the next one,
// which these bytes may be in until then. A body of the wire stays as it is where the format
// can say how it is laid out, or it is laid out as is wanted; where identifiers were guessed,
// nobody knows better than who sent them.
func (m *message) wire(scratch []byte, says, as2 bool, ids pathIDs) ([]byte, error) {
	if m.wired && (says || m.layout.AS2 == as2 && (m.guessed || ids.fit(m.layout))) {
		return scratch, nil
	}
	scratch, err := writeBody(scratch, m.typ, m.data, &ids)
	body := scratch
	as2 = as2 && !says
	if err == nil && as2 && m.typ == bgp.BGP_MSG_UPDATE && nodeOf(m.data).kind() == flow.Map {
		body, err = octets.Narrow(body)
	}
	if err != nil {
		return scratch, err
	}
	if len(body)+bgp.BGP_HEADER_LENGTH > bgp.BGP_MAX_EXTENDED_MESSAGE_LENGTH {
		return scratch, fmt.Errorf("it would have more than %d bytes", bgp.BGP_MAX_EXTENDED_MESSAGE_LENGTH)
	}
	m.body, m.wired, m.layout = body, true, spelling.Layout{AS2: as2, Paths: ids.with, Plain: ids.without}
	return scratch, nil
}

// tagText is a tag as text; numbers are taken too.
func (m *message) tagText(key string) string {
	v, _ := m.tags.Get(key)
	return spelled(node{v: v})
}

func (m *message) tagNumber(key string, bits int) (uint64, error) {
	s := m.tagText(key)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, bits)
	if err != nil {
		return 0, fmt.Errorf("its tag %s is %.20q, no number of %d bits", key, s, bits)
	}
	return n, nil
}

// noEvent is the error of a message that is well and no event: a comment, or
// one of a type that is left out.
type noEvent struct{}

var errNoEvent = noEvent{}

func (noEvent) Error() string { return "the message is left out" }

// NoEvent tells the runtime to pass the message over.
func (noEvent) NoEvent() {}

// cutOff is the error of a message that was cut off on its way.
type cutOff struct{ error }

// Truncated tells the runtime which kind of problem it is.
func (*cutOff) Truncated() {}

// truncated says that a message declares more bytes than there are.
func truncated(what string, declared, received int) error {
	return &cutOff{fmt.Errorf("%s declares %d bytes, and %d have come", what, declared, received)}
}

var (
	errMarker = errors.New("it does not begin with 16 bytes of 255")
	errMore   = errors.New("more follows the end of the message: send one a frame")
)

// readRaw reads a message of the wire.
func (m *message) readRaw(b []byte) error {
	const head = bgp.BGP_HEADER_LENGTH
	for i := range min(len(b), 16) {
		if b[i] != 0xff {
			return errMarker
		}
	}
	if len(b) < head {
		return truncated("a BGP message", head, len(b))
	}
	switch n := int(binary.BigEndian.Uint16(b[16:])); {
	case n < head:
		return fmt.Errorf("its length is %d, less than its header", n)
	case n > len(b):
		return truncated("a BGP message", n, len(b))
	case n < len(b):
		return errMore
	}
	if m.typ = b[18]; m.typ == 0 {
		return errors.New("it is of type 0, which is none")
	}
	m.body, m.wired = b[head:], true
	if m.typ != bgp.BGP_MSG_UPDATE {
		return nil
	}
	var err error
	said := m.terms.Layout
	m.layout, err = spelling.Find(m.body, said, m.terms.Doubt)
	m.guessed = m.layout.Paths&^said.Paths|m.layout.Plain&said.Paths != 0
	return err
}

func (m *message) writeRaw(dst []byte) []byte {
	dst = append(dst, marker...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(bgp.BGP_HEADER_LENGTH+len(m.body)))
	return append(append(dst, m.typ), m.body...)
}

const marker = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"

// jsonTime is bgpipe's: milliseconds, in UTC.
const jsonTime = "2006-01-02T15:04:05.000"

// readJSON reads bgpipe's JSON format.
func (m *message) readJSON(b []byte, maxDepth int) error {
	if len(b) > 0 && b[0] == '#' {
		return errNoEvent
	}
	raw, err := jsontext.Check(b, maxDepth)
	if errors.Is(err, jsontext.ErrEmpty) {
		return errNoEvent
	}
	if err != nil {
		return err
	}
	if raw[0] == '{' && len(raw) > len(`{}`) && checkData(bgp.BGP_MSG_UPDATE, node{raw: raw}) == nil {
		m.typ, m.data = bgp.BGP_MSG_UPDATE, flow.LazyOf(bytes.Clone(raw), m.spoken.form())
		return nil
	}
	var list [7]node
	n := 0
	for p := (node{raw: bytes.Clone(raw)}).parts(); p.next(); n++ {
		if n < len(list) {
			list[n] = p.node
		}
	}
	if _, typed := typeNamed(list[4].text()); typed && list[3].scalar().Kind() == flow.Int {
		copy(list[3:], list[4:]) // older bgpipes have the length of the body before the type
		n--
	}
	if n < 4 || n > 6 || raw[0] != '[' {
		return errors.New("it is no list [dir, seq, time, type, data, tags], of which the last two may be missing")
	}
	if m.dir = list[0].text(); m.dir != "L" && m.dir != "R" {
		return errors.New(`its direction is neither "L" nor "R"`)
	}
	if m.seq = list[1].scalar(); list[1].kind() != flow.Null && m.seq.Kind() != flow.Int {
		return errors.New("its sequence is no integer")
	}
	if at := list[2].text(); at != "" {
		t, err := time.Parse(jsonTime, at)
		if err != nil {
			t, err = time.Parse(time.RFC3339Nano, at)
		}
		if err != nil || t.Year() < 1678 || t.Year() > 2261 {
			return fmt.Errorf("its time %.40q is none", at)
		}
		m.ns, m.timed = t.UnixNano(), true
	}
	var ok bool
	if m.typ, ok = typeNamed(spelled(list[3])); !ok {
		return fmt.Errorf("its type %.20q is none", spelled(list[3]))
	}
	if kind := list[5].kind(); kind != flow.Null && kind != flow.Map {
		return errors.New("its tags are no object")
	}
	for tag := list[5].parts(); tag.next(); {
		if m.tags == nil {
			m.tags = flow.NewObject(8)
		}
		m.tags.Set(tag.key, flow.LazyOf(tag.raw, jsontext.Form{}))
	}
	if list[4].raw != nil {
		m.data = flow.LazyOf(list[4].raw, m.spoken.form())
	}
	return checkData(m.typ, list[4])
}

// checkData looks whether data can be those of a message. That all of it can
// be written on the wire turns out when somebody wants that.
func checkData(typ uint8, n node) error {
	kind := n.kind()
	switch {
	case kind == flow.Null, strings.HasPrefix(n.text(), "0x"):
		return nil
	case kind != flow.Map || dataKeys[typ] == nil:
		return fmt.Errorf("its data are of type %v, which those of %s never are", kind, typeName(typ))
	}
	for p := n.parts(); p.next(); {
		if !slices.Contains(dataKeys[typ], p.key) {
			return fmt.Errorf("its data have a key %.40q, which those of %s never have", p.key, typeName(typ))
		}
	}
	return nil
}

var dataKeys = map[uint8][]string{
	bgp.BGP_MSG_OPEN:   {"bgp", "asn", "id", "hold", "caps", "params"},
	bgp.BGP_MSG_UPDATE: {"reach", "unreach", "attrs"},
}

func (m *message) writeJSON(dst []byte) ([]byte, error) {
	dst = append(append(append(dst, `["`...), m.dir...), `",`...)
	dst = append(strconv.AppendInt(dst, m.seq.Int(), 10), `,"`...)
	dst = append(time.Unix(0, m.ns).UTC().AppendFormat(dst, jsonTime), `","`...)
	dst = append(append(dst, typeName(m.typ)...), `",`...)
	dst, err := appendJSON(dst, m.data)
	if err != nil {
		return dst, err
	}
	if dst, err = jsontext.Append(append(dst, ','), flow.MapOf(orEmpty(m.tags)), false); err != nil {
		return dst, err
	}
	return append(dst, ']'), nil
}

func orEmpty(o *flow.Object) *flow.Object {
	if o == nil {
		return flow.NewObject(0)
	}
	return o
}
