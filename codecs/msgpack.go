package codecs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/flowrun/flowrun/codecs/internal/stamp"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/setting"
)

var msgpackSpec = flow.Spec[flow.CodecConfig]{
	Name:    "msgpack",
	Summary: "a message is one MessagePack value",
	Doc: `Nothing may stand behind the value. What is no MessagePack, or is nested deeper than ` + "`max_depth`" + `, goes to ` + "`err`" + `; a length is
not believed before the message is seen to hold it. An event whose payload the flow does not change leaves byte for byte as it came, and so does a list or an object in it
that the flow has not changed. Otherwise:

| MessagePack | flow |
|---|---|
| integers of all sizes | number, exact; written in the shortest form |
| float 32, float 64 | number; written as float 64 |
| str | string; bytes when it is not UTF-8 |
| bin | bytes |
| map | object in the order of its keys, the last of equal keys counts. Integer keys are spelled as text; keys other than strings and integers are an error |
| timestamp (extension -1) | string as in RFC 3339, in UTC: ` + "`\"2026-07-13T00:00:00.5Z\"`" + `; written as a string |
| other extensions | bytes: the type in one byte, then the data; written as bin |

Outwards, a number that came in another spelling (from JSON: ` + "`42.0`, `1e3`" + `) becomes the nearest float 64, or an unsigned
integer; an integer beyond 64 bits, or a number beyond float 64, is an error. In strings that are not UTF-8, bad bytes are
replaced by U+FFFD.

On streams of bytes, values end by themselves: a connector that names no processors uses ` + "`msgpack_stream`" + `.

With ` + "`date_key`" + `, a message is a record as Fluent Bit packs it, ` + "`[[time, metadata], record]`, or `[time, record]`" + ` inwards; so
each frame of its websocket output, which has many, is split by ` + "`msgpack_stream`" + `, unless the connector names other
preprocessors. The payload is the record with its time in front, under this key, in ` + "`date_format`" + `: ` + "`1795227184.60552`" + ` (double),
` + "`1795227184`" + ` (epoch), ` + "`1795227184605`" + ` (epoch_ms), ` + "`\"2026-11-21T02:13:04.605520Z\"`" + ` (iso8601) or
` + "`\"2026-11-21 02:13:04.605520\"`" + ` (java_sql_timestamp). Where the record has the key itself, its own value stands and the time is left out.
Times of -1 and -2 seconds mark the beginning and the end of a group of records. Metadata are left out, unless
` + "`metadata_key`" + ` names a key for them. Outwards, an object is written as such a record; its time is what it has under
` + "`date_key`" + `, as text of either form or as seconds (milliseconds where the format is epoch_ms), and otherwise when its event arrived. A
list of objects (a batch) is written as several records, one behind the other; those without a time of their own get that of the list.`,
	Example: `connector "ws_server" "edge" {
  url   = "127.0.0.1:4242"
  codec = { name = "msgpack", max_depth = 64 }
}

connect "echo" {
  from  = connector.edge
  where = event.kind != "ping"
  to    = connector.edge
}
`,
	Config: func() flow.CodecConfig {
		return &msgpackConfig{MaxDepth: 512, Date: stamp.Date{Format: stamp.Double}}
	},
}

type msgpackConfig struct {
	MaxDepth int `hcl:"max_depth" min:"1" max:"10000" doc:"how deep lists and objects may be nested, inwards"`
	stamp.Date
	MetadataKey string `hcl:"metadata_key" doc:"with date_key: key under which a record has its metadata; \"\" for none"`
}

func (c *msgpackConfig) New() (func() flow.Codec, error) {
	date := c.Named()
	switch {
	case date.Key != "" && date.Key == c.MetadataKey:
		return nil, &setting.Error{Field: "metadata_key", Err: errors.New("metadata_key is the same as date_key")}
	case date.Key != "":
		return one(&msgpackRecord{maxDepth: c.MaxDepth, date: date, metadata: c.MetadataKey}), nil
	case c.MetadataKey != "":
		return nil, &setting.Error{Field: "metadata_key", Err: errors.New("metadata_key means nothing without date_key")}
	}
	return one(&msgpackCodec{maxDepth: c.MaxDepth}), nil
}

func (*msgpackConfig) Text() bool { return false }

// MediaType implements flow.MediaTyper; the name is IANA's.
func (*msgpackConfig) MediaType() string { return "application/vnd.msgpack" }

// Framing is for connectors that name no processors; flows asks for it.
func (c *msgpackConfig) Framing(stream bool) (in, out string) {
	const values = `"msgpack_stream"`
	switch {
	case stream:
		return values, values
	case c.Named().Key != "":
		return values, ""
	}
	return "", ""
}

type msgpackCodec struct{ maxDepth int }

func (c *msgpackCodec) Decode(e *flow.Event, frame []byte) error {
	if err := checkMsgpack(frame, c.maxDepth); err != nil {
		return err
	}
	keep(e, frame, msgpackForm{})
	return nil
}

func (c *msgpackCodec) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	if _, ok := e.Form.(msgpackForm); ok {
		return append(dst, e.Raw...), nil
	}
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	return appendMsgpack(dst, v)
}

// appendMsgpack appends v in the shortest form that MessagePack has for it.
func appendMsgpack(dst []byte, v flow.Value) ([]byte, error) {
	if raw, form, ok := v.Encoded(); ok {
		if _, same := form.(msgpackForm); same {
			return append(dst, raw...), nil
		}
		v = v.Whole()
	}
	var err error
	switch v.Kind() {
	case flow.Null:
		return append(dst, 0xc0), nil
	case flow.Bool:
		if v.Bool() {
			return append(dst, 0xc3), nil
		}
		return append(dst, 0xc2), nil
	case flow.Int:
		return appendMsgpackInt(dst, v.Int()), nil
	case flow.Float:
		return appendMsgpackFloat(dst, v.Float()), nil
	case flow.Number:
		return appendMsgpackNumber(dst, v.Text())
	case flow.Text:
		return appendMsgpackText(dst, v.Text())
	case flow.Bytes:
		dst, err = appendMsgpackHead(dst, len(v.Bytes()), 0, 0, 0xc4)
		return append(dst, v.Bytes()...), err
	case flow.List:
		dst, err = appendMsgpackHead(dst, len(v.List()), 0x90, 16, 0xdc-1)
		for _, part := range v.List() {
			if err == nil {
				dst, err = appendMsgpack(dst, part)
			}
		}
		return dst, err
	default:
		dst, err = appendMsgpackHead(dst, v.Object().Len(), 0x80, 16, 0xde-1)
		for _, f := range v.Object().Fields() {
			if err == nil {
				dst, err = appendMsgpackText(dst, f.Key)
			}
			if err == nil {
				dst, err = appendMsgpack(dst, f.Value)
			}
		}
		return dst, err
	}
}

func appendMsgpackText(dst []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	dst, err := appendMsgpackHead(dst, len(s), 0xa0, 32, 0xd9)
	return append(dst, s...), err
}

// appendMsgpackHead appends the head of what has a length: the tag fix and n
// in one byte when n is less than fixed, else a tag for the width of n; those
// follow each other, and tag8 is that for one byte. Lists and maps have none
// for one byte: their fixed is 16 and the tag before that for two bytes is
// some other's.
func appendMsgpackHead(dst []byte, n int, fix byte, fixed int, tag8 byte) ([]byte, error) {
	switch {
	case n < fixed:
		return append(dst, fix|byte(n)), nil
	case n <= math.MaxUint8 && fixed != 16:
		return append(dst, tag8, byte(n)), nil
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, tag8+1), uint16(n)), nil
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, tag8+2), uint32(n)), nil
	}
	return dst, fmt.Errorf("encode a payload as MessagePack: a part of length %d is longer than the format can say", n)
}

func appendMsgpackInt(dst []byte, i int64) []byte {
	switch {
	case i >= 0 && i <= math.MaxInt8, i >= -32 && i < 0:
		return append(dst, byte(i))
	case i >= 0:
		return appendMsgpackUint(dst, uint64(i))
	case i >= math.MinInt8:
		return append(dst, 0xd0, byte(i))
	case i >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, 0xd1), uint16(i))
	case i >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, 0xd2), uint32(i))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xd3), uint64(i))
}

func appendMsgpackUint(dst []byte, u uint64) []byte {
	switch {
	case u <= math.MaxUint8:
		return append(dst, 0xcc, byte(u))
	case u <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, 0xcd), uint16(u))
	case u <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, 0xce), uint32(u))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xcf), u)
}

func appendMsgpackFloat(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(f))
}

// appendMsgpackNumber appends a number that is kept in its JSON spelling.
func appendMsgpackNumber(dst []byte, s string) ([]byte, error) {
	if u, err := strconv.ParseUint(s, 10, 64); err == nil {
		return appendMsgpackUint(dst, u), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	integer := strings.Trim(s, "0123456789") == "" || strings.Trim(s[1:], "0123456789") == "" && s != "-0"
	if err != nil || integer || !jsontext.IsNumber(s) {
		return dst, fmt.Errorf("encode the number %.40s as MessagePack: it fits neither 64 bits nor a float 64: map it with tostring()", s)
	}
	return appendMsgpackFloat(dst, f), nil
}
