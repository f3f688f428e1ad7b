package codecs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/flowrun/flowrun/codecs/internal/stamp"
	"github.com/flowrun/flowrun/runtime/flow"
)

// msgpackRecord is the codec of records as Fluent Bit packs them:
// [[time, metadata], body], and [time, body] in its older versions. A time is
// an extension of type 0: seconds and nanoseconds, 32 bits each; integers and
// floats occur.
type msgpackRecord struct {
	maxDepth int
	date     stamp.Date
	metadata string // the key of the metadata; "" to leave them out
}

var errNoRecord = errors.New("it is not [[time, metadata], record]: without date_key, the codec takes any value")

func (c *msgpackRecord) Decode(e *flow.Event, frame []byte) error {
	if err := checkMsgpack(frame, c.maxDepth); err != nil {
		return err
	}
	head, metadata, body, ok := splitRecord(frame)
	if !ok {
		return fmt.Errorf("decode a message as a Fluent Bit record: %w", errNoRecord)
	}
	ns, ok := readEventTime(head)
	if !ok {
		return errors.New("decode a message as a Fluent Bit record: what stands in the place of its time is none")
	}
	fields := msgpackForm{}.Open(bytes.Clone(body)).Object().Fields()
	o := flow.NewObject(len(fields) + 2)
	o.Set(c.date.Key, c.date.Format.Of(ns))
	if c.metadata != "" && len(metadata) > 1 {
		o.Set(c.metadata, msgpackForm{}.Open(bytes.Clone(metadata)))
	}
	for _, f := range fields { // a key of its own stands, with its value
		o.Set(f.Key, f.Value)
	}
	e.SetPayload(flow.MapOf(o))
	return nil
}

// splitRecord finds the parts of a message that was checked. metadata is nil
// in the older form.
func splitRecord(b []byte) (time, metadata, body []byte, ok bool) {
	h, _ := headAt(b, 0)
	if h.kind != msgpackList || h.n != 2 {
		return nil, nil, nil, false
	}
	second := skipMsgpack(b, h.body, 1)
	time, body = b[h.body:second], b[second:]
	if h, _ := headAt(time, 0); h.kind == msgpackList {
		if h.n != 2 {
			return nil, nil, nil, false
		}
		at := skipMsgpack(time, h.body, 1)
		time, metadata = time[h.body:at], time[at:]
		if h, _ := headAt(metadata, 0); h.kind != msgpackMap {
			return nil, nil, nil, false
		}
	}
	h, _ = headAt(body, 0)
	return time, metadata, body, h.kind == msgpackMap
}

// The seconds of a time that mark the beginning and the end of a group.
const groupStart, groupEnd = -1, -2

func readEventTime(b []byte) (ns int64, ok bool) {
	h, _ := headAt(b, 0)
	switch h.kind {
	case msgpackExt:
		if h.n != 9 || b[h.body] != 0 {
			return 0, false
		}
		seconds, nanos := int64(binary.BigEndian.Uint32(b[h.body+1:])), int64(binary.BigEndian.Uint32(b[h.body+5:]))
		if seconds >= math.MaxUint32+1+groupEnd {
			seconds -= math.MaxUint32 + 1
		}
		return seconds*1e9 + nanos, nanos < 1e9
	case msgpackInt, msgpackUint, msgpackFloat:
		return stamp.Double.Read(msgpackScalar(b, h))
	}
	return 0, false
}

// Encode writes an object as a record, and a list of objects as records one
// behind the other.
func (c *msgpackRecord) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	records := []flow.Value{v}
	if v.Kind() == flow.List {
		records = v.List()
	}
	for _, v := range records {
		if dst, err = c.appendRecord(dst, v, e.Time); err != nil {
			return dst, fmt.Errorf("encode a payload as a Fluent Bit record: %w", err)
		}
	}
	return dst, nil
}

func (c *msgpackRecord) appendRecord(dst []byte, v flow.Value, arrived int64) ([]byte, error) {
	if v.Kind() != flow.Map {
		return dst, fmt.Errorf("it is of type %v, not an object: map it to one", v.Kind())
	}
	o, ns, found, err := c.date.Off(v.Object())
	if err != nil {
		return dst, err
	}
	if !found {
		ns = arrived
	}
	metadata := flow.MapOf(flow.NewObject(0))
	if m, there := o.Get(c.metadata); c.metadata != "" && there {
		if m.Kind() != flow.Map {
			return dst, fmt.Errorf("its %q is of type %v, not an object", c.metadata, m.Kind())
		}
		rest := flow.NewObject(o.Len())
		for _, f := range o.Fields() {
			if f.Key != c.metadata {
				rest.Set(f.Key, f.Value)
			}
		}
		o, metadata = rest, m
	}
	if dst, err = appendEventTime(append(dst, 0x92, 0x92), ns); err != nil {
		return dst, err
	}
	if dst, err = appendMsgpack(dst, metadata); err != nil {
		return dst, err
	}
	return appendMsgpack(dst, flow.MapOf(o))
}

func appendEventTime(dst []byte, ns int64) ([]byte, error) {
	if ns < groupEnd*1e9 || ns < 0 && ns%1e9 != 0 || ns/1e9 > math.MaxUint32+groupEnd {
		return dst, fmt.Errorf("its time, %v seconds since 1970, cannot be written in 32 bits", ns/1e9)
	}
	dst = append(dst, 0xd7, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(ns/1e9))
	return binary.BigEndian.AppendUint32(dst, uint32(ns%1e9)), nil
}
