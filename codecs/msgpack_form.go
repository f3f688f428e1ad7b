package codecs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
)

// msgpackKind is what a MessagePack value is.
type msgpackKind uint8

const (
	msgpackNone msgpackKind = iota // no value begins so
	msgpackNil
	msgpackBool
	msgpackInt
	msgpackUint
	msgpackFloat
	msgpackStr
	msgpackBin
	msgpackExt
	msgpackList
	msgpackMap
)

// msgpackTags says what the tags from 0xc0 to 0xdf begin: the bytes of its
// length, or how long its body is when there is no length to read.
var msgpackTags = [32]struct {
	kind     msgpackKind
	width, n uint8
}{
	{msgpackNil, 0, 0}, {}, {msgpackBool, 0, 0}, {msgpackBool, 0, 0},
	{msgpackBin, 1, 0}, {msgpackBin, 2, 0}, {msgpackBin, 4, 0},
	{msgpackExt, 1, 0}, {msgpackExt, 2, 0}, {msgpackExt, 4, 0},
	{msgpackFloat, 0, 4}, {msgpackFloat, 0, 8},
	{msgpackUint, 0, 1}, {msgpackUint, 0, 2}, {msgpackUint, 0, 4}, {msgpackUint, 0, 8},
	{msgpackInt, 0, 1}, {msgpackInt, 0, 2}, {msgpackInt, 0, 4}, {msgpackInt, 0, 8},
	{msgpackExt, 0, 1}, {msgpackExt, 0, 2}, {msgpackExt, 0, 4}, {msgpackExt, 0, 8}, {msgpackExt, 0, 16},
	{msgpackStr, 1, 0}, {msgpackStr, 2, 0}, {msgpackStr, 4, 0},
	{msgpackList, 2, 0}, {msgpackList, 4, 0},
	{msgpackMap, 2, 0}, {msgpackMap, 4, 0},
}

// msgpackHead is the beginning of a value.
type msgpackHead struct {
	kind msgpackKind
	tag  byte
	n    int // elements of a list, pairs of a map, bytes of the body of all else
	body int // where the body begins; that of an extension with its type
}

// headAt reads the head of the value at i. It is false when no value begins
// there, or b is too short to hold what the head promises.
func headAt(b []byte, i int) (msgpackHead, bool) {
	if i >= len(b) {
		return msgpackHead{}, false
	}
	tag := b[i]
	h := msgpackHead{tag: tag, body: i + 1}
	switch {
	case tag < 0x80, tag >= 0xe0:
		h.kind, h.body, h.n = msgpackInt, i, 1
		return h, true
	case tag < 0x90:
		h.kind, h.n = msgpackMap, int(tag&0xf)
	case tag < 0xa0:
		h.kind, h.n = msgpackList, int(tag&0xf)
	case tag < 0xc0:
		h.kind, h.n = msgpackStr, int(tag&0x1f)
	default:
		t := msgpackTags[tag-0xc0]
		width := int(t.width)
		if t.kind == msgpackNone || len(b)-h.body < width {
			return h, false
		}
		h.kind, h.n = t.kind, int(t.n)
		if width > 0 {
			n := bigEndian(b[h.body : h.body+width])
			if n > uint64(len(b)) {
				return h, false
			}
			h.n = int(n)
		}
		h.body += width
		if h.kind == msgpackExt {
			h.n++
		}
	}
	need := h.n // each element has a byte at least
	if h.kind == msgpackMap {
		need *= 2
	}
	return h, need <= len(b)-h.body
}

// bigEndian reads the number that 1, 2, 4 or 8 bytes spell.
func bigEndian(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	}
	return binary.BigEndian.Uint64(b)
}

const (
	failed  = -1 // instead of a place
	tooDeep = "lists and objects are nested deeper than max_depth"
)

// checkMsgpack accepts a message that is one MessagePack value. It allocates
// nothing unless there is an error to tell.
func checkMsgpack(message []byte, maxDepth int) error {
	c := msgpackCheck{b: message}
	end := c.value(0, maxDepth)
	switch {
	case end != failed && end < len(message):
		c.fail(end, "there is more after the end of the value: send one value a message")
	case end != failed:
		return nil
	}
	switch {
	case len(message) == 0:
		return fmt.Errorf("decode a message as MessagePack: it is empty: use the preprocessor \"remove_empty\" to drop such messages")
	case c.why == tooDeep:
		return fmt.Errorf("decode a message as MessagePack: %s = %d at byte %d", c.why, maxDepth, c.at)
	}
	return fmt.Errorf("decode a message as MessagePack: %s at byte %d", c.why, c.at)
}

// msgpackCheck checks a message. Its methods return the place behind a value,
// or failed.
type msgpackCheck struct {
	b   []byte
	at  int    // where it failed
	why string // and why
}

func (c *msgpackCheck) fail(at int, why string) int {
	c.at, c.why = at, why
	return failed
}

// value checks the value at i; levels is how deep it may nest.
func (c *msgpackCheck) value(i, levels int) int {
	h, ok := headAt(c.b, i)
	switch {
	case !ok && i < len(c.b) && c.b[i] == 0xc1:
		return c.fail(i, "0xc1 begins no value")
	case !ok:
		return c.fail(i, "the message is too short for the value that begins")
	case h.kind != msgpackList && h.kind != msgpackMap:
		return h.body + h.n
	case levels == 0:
		return c.fail(i, tooDeep)
	}
	i = h.body
	for range h.n {
		if h.kind == msgpackMap {
			if i = c.key(i); i == failed {
				return failed
			}
		}
		if i = c.value(i, levels-1); i == failed {
			return failed
		}
	}
	return i
}

func (c *msgpackCheck) key(i int) int {
	h, ok := headAt(c.b, i)
	switch {
	case !ok:
		return c.fail(i, "the message is too short for the key that begins, or it is none")
	case h.kind == msgpackStr || h.kind == msgpackBin:
		if !utf8.Valid(c.b[h.body : h.body+h.n]) {
			return c.fail(i, "a key is not UTF-8")
		}
	case h.kind != msgpackInt && h.kind != msgpackUint:
		return c.fail(i, "a key is neither a string nor an integer")
	}
	return h.body + h.n
}

// msgpackForm reads messages that were checked. None of its methods checks
// again.
type msgpackForm struct{}

// Find walks through the maps and lists on the path. It reads each map to its
// end, because of a repeated key the last value counts.
func (msgpackForm) Find(raw []byte, path []flow.Step) ([]byte, bool) {
	for _, step := range path {
		h, _ := headAt(raw, 0)
		start := failed
		switch {
		case h.kind == msgpackMap && !step.IsIndex:
			start = findMsgpackKey(raw, h, step.Key)
		case h.kind == msgpackList && step.IsIndex && step.Index >= 0 && step.Index < h.n:
			start = skipMsgpack(raw, h.body, step.Index)
		}
		if start == failed {
			return nil, false
		}
		end := skipMsgpack(raw, start, 1)
		raw = raw[start:end:end]
	}
	return raw, true
}

// findMsgpackKey returns where the value of a key begins, or failed.
func findMsgpackKey(b []byte, h msgpackHead, key string) int {
	found := failed
	i := h.body
	for range h.n {
		k, _ := headAt(b, i)
		i = k.body + k.n
		if msgpackKeyIs(b, k, key) {
			found = i
		}
		i = skipMsgpack(b, i, 1)
	}
	return found
}

func msgpackKeyIs(b []byte, h msgpackHead, key string) bool {
	if h.kind == msgpackStr || h.kind == msgpackBin {
		return string(b[h.body:h.body+h.n]) == key
	}
	var spelled [20]byte
	return string(appendMsgpackKey(spelled[:0], b, h)) == key
}

// appendMsgpackKey spells an integer key.
func appendMsgpackKey(dst, b []byte, h msgpackHead) []byte {
	if h.kind == msgpackUint {
		return strconv.AppendUint(dst, bigEndian(b[h.body:h.body+h.n]), 10)
	}
	return strconv.AppendInt(dst, msgpackSigned(b, h), 10)
}

// skipMsgpack returns the place behind the n values at i.
func skipMsgpack(b []byte, i, n int) int {
	for ; n > 0; n-- {
		h, _ := headAt(b, i)
		i = h.body
		switch h.kind {
		case msgpackList:
			n += h.n
		case msgpackMap:
			n += 2 * h.n
		default:
			i += h.n
		}
	}
	return i
}

// Scalar shares the memory of raw.
func (msgpackForm) Scalar(raw []byte) (flow.Value, bool) {
	h, _ := headAt(raw, 0)
	if h.kind == msgpackList || h.kind == msgpackMap {
		return flow.NullValue, false
	}
	return msgpackScalar(raw, h), true
}

// msgpackScalar returns what is neither a list nor a map. It shares b's memory.
func msgpackScalar(b []byte, h msgpackHead) flow.Value {
	body := b[h.body : h.body+h.n : h.body+h.n]
	switch h.kind {
	case msgpackBool:
		return flow.BoolOf(h.tag == 0xc3)
	case msgpackInt:
		return flow.IntOf(msgpackSigned(b, h))
	case msgpackUint:
		u := bigEndian(body)
		if u > math.MaxInt64 {
			return flow.NumberOf(strconv.FormatUint(u, 10))
		}
		return flow.IntOf(int64(u))
	case msgpackFloat:
		if h.n == 4 {
			return flow.FloatOf(float64(math.Float32frombits(binary.BigEndian.Uint32(body))))
		}
		return flow.FloatOf(math.Float64frombits(binary.BigEndian.Uint64(body)))
	case msgpackStr:
		if utf8.Valid(body) {
			return flow.TextOf(shared(body))
		}
		return flow.BytesOf(body)
	case msgpackBin:
		return flow.BytesOf(body)
	case msgpackExt:
		if t, ok := msgpackTime(body); ok {
			return flow.TextOf(t)
		}
		return flow.BytesOf(body)
	}
	return flow.NullValue
}

func msgpackSigned(b []byte, h msgpackHead) int64 {
	u := bigEndian(b[h.body : h.body+h.n])
	unused := 64 - 8*h.n
	return int64(u<<unused) >> unused
}

// The seconds of the years 0 to 9999, which RFC 3339 can spell.
const firstSecond, lastSecond = -62167219200, 253402300799

// msgpackTime spells a timestamp, from its type on. It is false for another
// extension, and for a time that cannot be spelled.
func msgpackTime(body []byte) (string, bool) {
	if body[0] != 0xff {
		return "", false
	}
	var seconds int64
	var nanos uint64
	switch body = body[1:]; len(body) {
	case 4:
		seconds = int64(bigEndian(body))
	case 8:
		both := bigEndian(body)
		seconds, nanos = int64(both&(1<<34-1)), both>>34
	case 12:
		seconds, nanos = int64(bigEndian(body[4:])), bigEndian(body[:4])
	default:
		return "", false
	}
	if nanos >= 1e9 || seconds < firstSecond || seconds > lastSecond {
		return "", false
	}
	return time.Unix(seconds, int64(nanos)).UTC().Format(time.RFC3339Nano), true
}

// Kind tells what raw spells.
func (msgpackForm) Kind(raw []byte) flow.Kind {
	h, _ := headAt(raw, 0)
	switch h.kind {
	case msgpackList:
		return flow.List
	case msgpackMap:
		return flow.Map
	}
	return msgpackScalar(raw, h).Kind()
}

// Open shares the memory of raw.
func (msgpackForm) Open(raw []byte) flow.Value {
	d := msgpackDecoder{memory: memory{raw, true}, shallow: true}
	v, _ := d.parts(0)
	return v
}

// Decode returns the whole value.
func (msgpackForm) Decode(raw []byte) (flow.Value, error) {
	d := msgpackDecoder{memory: memoryFor(raw)}
	v, _ := d.value(0)
	return v, nil
}

// msgpackDecoder builds a value from a message that was checked. Its methods
// return what begins at i and the place behind it.
type msgpackDecoder struct {
	memory
	shallow bool // lists and objects inside stay lazy
}

func (d msgpackDecoder) value(i int) (flow.Value, int) {
	if d.shallow {
		end := skipMsgpack(d.b, i, 1)
		return flow.LazyOf(d.b[i:end:end], msgpackForm{}), end
	}
	return d.parts(i)
}

// parts builds a value with its parts, if it has any.
func (d msgpackDecoder) parts(i int) (flow.Value, int) {
	h, _ := headAt(d.b, i)
	switch h.kind {
	case msgpackList:
		list := make([]flow.Value, h.n)
		i = h.body
		for n := range list {
			list[n], i = d.value(i)
		}
		return flow.ListOf(list), i
	case msgpackMap:
		o := flow.NewObject(h.n)
		i = h.body
		for range h.n {
			var f flow.Field
			f.Key, i = d.key(i)
			f.Value, i = d.value(i)
			o.Set(f.Key, f.Value)
		}
		return flow.MapOf(o), i
	}
	end := h.body + h.n
	v := msgpackScalar(d.b, h)
	switch {
	case d.own:
	case v.Kind() == flow.Text && h.kind == msgpackStr:
		v = flow.TextOf(string(d.b[h.body:end]))
	case v.Kind() == flow.Bytes:
		v = flow.BytesOf(bytes.Clone(v.Bytes()))
	}
	return v, end
}

func (d msgpackDecoder) key(i int) (string, int) {
	h, _ := headAt(d.b, i)
	end := h.body + h.n
	if h.kind == msgpackStr || h.kind == msgpackBin {
		return d.part(h.body, end), end
	}
	var spelled [20]byte
	return string(appendMsgpackKey(spelled[:0], d.b, h)), end
}
