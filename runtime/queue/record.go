package queue

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// A record is what a segment consists of, little-endian:
//
//	key     4 bytes  of the segment
//	sum     4 bytes  CRC-32C of what follows, begun with the key
//	length  4 bytes  of the body
//	body    kind, then
//	        event:  time of arrival (8, Unix nanoseconds); per frame a varint of
//	                its length doubled, plus 1 when it is binary, and its bytes
//	        said:   an event with meta: time, a varint of the length of its meta,
//	                which is JSON, and its bytes; then frames as above
//	        head:   number of a segment (8), offset in it (8): where the first
//	                event begins that nobody has confirmed
//
// The key is random and in the segment's name. So the place where a damaged
// segment can be read on is found by looking for it, and nobody who sends events can
// make bytes that are taken for a record there.
const (
	headerSize = 12
	maxBody    = 1<<30 + 1<<20 // of an event, and what belongs to its frames

	kindEvent = 1
	kindHead  = 2
	kindSaid  = 3
)

// MaxEvent is how many bytes the frames of an event may have, with its meta.
const MaxEvent = 1 << 30

// Keepable says why an event cannot be kept: it is too large, or JSON cannot say its
// meta, that of its first frame.
func Keepable(frames []flow.Frame) error {
	said, err := spelled(frames)
	if err != nil {
		return fmt.Errorf("keep the event's meta in the queue: %w", err)
	}
	size := len(said)
	for i := range frames {
		size += len(frames[i].Data)
	}
	if size > MaxEvent {
		return fmt.Errorf("the event has more than %d bytes, and a queue keeps none so large", MaxEvent)
	}
	return nil
}

// spelled is the meta of an event; nil for none.
func spelled(frames []flow.Frame) ([]byte, error) {
	if len(frames) == 0 || frames[0].Meta == nil {
		return nil, nil
	}
	return jsontext.Append(nil, flow.MapOf(frames[0].Meta), false)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendEvent appends the record of an event, but for what seal adds.
func appendEvent(dst []byte, frames []flow.Frame) []byte {
	start := len(dst)
	var time int64
	if len(frames) > 0 {
		time = frames[0].Time
	}
	said, err := spelled(frames)
	if said == nil || err != nil {
		dst = begin(dst, kindEvent)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(time))
	} else {
		dst = begin(dst, kindSaid)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(time))
		dst = binary.AppendUvarint(dst, uint64(len(said)))
		dst = append(dst, said...)
	}
	for i := range frames {
		head := uint64(len(frames[i].Data)) << 1
		if frames[i].Binary {
			head |= 1
		}
		dst = binary.AppendUvarint(dst, head)
		dst = append(dst, frames[i].Data...)
	}
	return end(dst, start)
}

// appendHead appends the record of a head, but for what seal adds.
func appendHead(dst []byte, head place) []byte {
	start := len(dst)
	dst = begin(dst, kindHead)
	dst = binary.LittleEndian.AppendUint64(dst, head.segment)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(head.offset))
	return end(dst, start)
}

func begin(dst []byte, kind byte) []byte {
	return append(dst, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, kind)
}

func end(dst []byte, start int) []byte {
	binary.LittleEndian.PutUint32(dst[start+8:], uint32(len(dst)-start-headerSize))
	return dst
}

// seal makes p, which consists of records, fit into the segment of that key.
func seal(p []byte, key uint32) {
	for len(p) > 0 {
		size := headerSize + int(binary.LittleEndian.Uint32(p[8:]))
		binary.LittleEndian.PutUint32(p, key)
		binary.LittleEndian.PutUint32(p[4:], crc32.Update(key, castagnoli, p[8:size]))
		p = p[size:]
	}
}

// next looks at the record that p begins with. size is how long it is with its
// header; 0 when p does not begin with a record, or with one that is damaged. more is
// how long p has to be to tell.
func next(p []byte, key uint32) (body []byte, size, more int) {
	if len(p) < headerSize {
		return nil, 0, headerSize
	}
	n := binary.LittleEndian.Uint32(p[8:])
	if binary.LittleEndian.Uint32(p) != key || n == 0 || n > maxBody {
		return nil, 0, 0
	}
	size = headerSize + int(n)
	if len(p) < size {
		return nil, 0, size
	}
	if crc32.Update(key, castagnoli, p[8:size]) != binary.LittleEndian.Uint32(p[4:]) {
		return nil, 0, 0
	}
	return p[headerSize:size], size, 0
}

// resume returns where in p, which does not begin with a record, the next whole one
// does; -1 when there is none.
func resume(p []byte, key uint32) int {
	var mark [4]byte
	binary.LittleEndian.PutUint32(mark[:], key)
	for at := 1; at < len(p); at++ {
		i := bytes.Index(p[at:], mark[:])
		if i < 0 {
			break
		}
		at += i
		if _, size, _ := next(p[at:], key); size > 0 {
			return at
		}
	}
	return -1
}

// event appends the frames of an event's body, which they point into, and reports
// whether it is one.
func event(dst []flow.Frame, body []byte) ([]flow.Frame, bool) {
	if len(body) < 9 || body[0] != kindEvent && body[0] != kindSaid {
		return dst, false
	}
	time, p := int64(binary.LittleEndian.Uint64(body[1:])), body[9:]
	var meta *flow.Object
	if body[0] == kindSaid {
		size, n := binary.Uvarint(p)
		if n <= 0 || size > uint64(len(p)-n) {
			return dst, false
		}
		end := n + int(size)
		said, err := jsontext.Parse(p[n:end])
		if err != nil || said.Kind() != flow.Map {
			return dst, false
		}
		meta, p = said.Object(), p[end:]
	}
	for len(p) > 0 {
		head, n := binary.Uvarint(p)
		if n <= 0 || head>>1 > uint64(len(p)-n) {
			return dst, false
		}
		end := n + int(head>>1)
		dst = append(dst, flow.Frame{Data: p[n:end:end], Binary: head&1 == 1, Meta: meta, Time: time})
		p = p[end:]
	}
	return dst, true
}

// headOf reads the body of a head's record.
func headOf(body []byte) (place, bool) {
	if len(body) != 17 || body[0] != kindHead {
		return place{}, false
	}
	return place{
		segment: binary.LittleEndian.Uint64(body[1:]),
		offset:  int64(binary.LittleEndian.Uint64(body[9:]) & (1<<63 - 1)),
	}, true
}

// records calls each for the records of a whole segment, with where
// they begin and end, and damaged for what is between those that can be read. It
// returns where the last record ends: what is behind it is no record.
func records(p []byte, key uint32, each func(body []byte, begin, end int), damaged func(begin, end int)) (end int) {
	for at := 0; at < len(p); {
		if body, size, _ := next(p[at:], key); size > 0 {
			each(body, at, at+size)
			at += size
			end = at
			continue
		}
		skip := resume(p[at:], key)
		if skip < 0 {
			break
		}
		damaged(at, at+skip)
		at += skip
	}
	return end
}
