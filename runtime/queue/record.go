package queue

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/flowrun/flowrun/runtime/flow"
)

// A record is what a segment consists of, little-endian:
//
//	key     4 bytes  of the segment
//	sum     4 bytes  CRC-32C of what follows, begun with the key
//	length  4 bytes  of the body
//	body    kind, then
//	        event:  time of arrival (8, Unix nanoseconds); per frame a varint of
//	                its length doubled, plus 1 when it is binary, and its bytes
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
)

// MaxEvent is how many bytes the frames of an event may have.
const MaxEvent = 1 << 30

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendEvent appends the record of an event, but for what seal adds.
func appendEvent(dst []byte, frames []flow.Frame) []byte {
	start := len(dst)
	dst = begin(dst, kindEvent)
	var time int64
	if len(frames) > 0 {
		time = frames[0].Time
	}
	dst = binary.LittleEndian.AppendUint64(dst, uint64(time))
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
	if len(body) < 9 || body[0] != kindEvent {
		return dst, false
	}
	time := int64(binary.LittleEndian.Uint64(body[1:]))
	for p := body[9:]; len(p) > 0; {
		head, n := binary.Uvarint(p)
		if n <= 0 || head>>1 > uint64(len(p)-n) {
			return dst, false
		}
		end := n + int(head>>1)
		dst = append(dst, flow.Frame{Data: p[n:end:end], Binary: head&1 == 1, Time: time})
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
