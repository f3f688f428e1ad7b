package borders

import (
	"encoding/binary"
	"errors"
)

// Msgpack finds the ends of MessagePack values.
type Msgpack struct {
	values uint64 // that are still to come, the one that is asked for and those in it
	body   uint64 // bytes still to come of the one that has begun
	head   [5]byte
	have   int  // bytes of its head that have come
	begun  bool // values counts
}

var errMsgpackTag = errors.New("0xc1 begins no value")

// Skip returns 0: values follow each other without anything between.
func (f *Msgpack) Skip([]byte) int { return 0 }

// End is called at the end of the stream. What has not ended is not whole.
func (f *Msgpack) End() bool {
	*f = Msgpack{}
	return false
}

// Next reads on in a value, see the package.
func (f *Msgpack) Next(p []byte) (int, bool, error) {
	if !f.begun {
		f.begun, f.values = true, 1
	}
	i := 0
	for {
		pass := min(f.body, uint64(len(p)-i))
		i += int(pass)
		f.body -= pass
		switch {
		case f.body > 0:
			return i, false, nil
		case f.values == 0:
			*f = Msgpack{}
			return i, true, nil
		case i == len(p):
			return i, false, nil
		}
		f.head[f.have] = p[i]
		f.have++
		i++
		if f.head[0] == 0xc1 {
			*f = Msgpack{}
			return len(p), false, errMsgpackTag
		}
		if width := lengthWidth(f.head[0]); f.have == 1+width {
			f.enter(f.head[1:f.have])
			f.have = 0
		}
	}
}

// lengthWidth is how many bytes of length follow a tag.
func lengthWidth(tag byte) int {
	switch tag {
	case 0xc4, 0xc7, 0xd9:
		return 1
	case 0xc5, 0xc8, 0xda, 0xdc, 0xde:
		return 2
	case 0xc6, 0xc9, 0xdb, 0xdd, 0xdf:
		return 4
	}
	return 0
}

// enter notes what follows a head.
func (f *Msgpack) enter(length []byte) {
	var n uint64
	switch len(length) {
	case 1:
		n = uint64(length[0])
	case 2:
		n = uint64(binary.BigEndian.Uint16(length))
	case 4:
		n = uint64(binary.BigEndian.Uint32(length))
	}
	f.values--
	switch tag := f.head[0]; {
	case tag < 0x80, tag >= 0xe0, tag == 0xc0, tag == 0xc2, tag == 0xc3: // nothing
	case tag < 0x90:
		f.values += 2 * uint64(tag&0xf)
	case tag < 0xa0:
		f.values += uint64(tag & 0xf)
	case tag < 0xc0:
		f.body = uint64(tag & 0x1f)
	case tag <= 0xc6, tag >= 0xd9 && tag <= 0xdb:
		f.body = n
	case tag <= 0xc9:
		f.body = n + 1
	case tag <= 0xcb:
		f.body = 4 << (tag - 0xca)
	case tag <= 0xd3: // integers, unsigned and signed
		f.body = 1 << ((tag - 0xcc) & 3)
	case tag <= 0xd8:
		f.body = 1 + 1<<(tag-0xd4)
	case tag <= 0xdd:
		f.values += n
	default:
		f.values += 2 * n
	}
}
