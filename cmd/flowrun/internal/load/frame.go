package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
)

// The opcodes of RFC 6455 and the bits beside them.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
	finBit         = 0x80
	reservedBits   = 0x70
	maskBit        = 0x80
)

// maxMessage bounds a message, sent or received, and so what a connection
// needs in memory.
const maxMessage = 16 << 20

// mask is the same for every frame: nothing between us and the server could
// be fooled by what we send.
const mask = 0x37fa213d

// maxHeader is the length of the longest header of a frame that is sent.
const maxHeader = 14

// appendHeader appends the header of a masked frame; seal masks the payload
// that has been appended behind it.
func appendHeader(dst []byte, opcode byte, length int) []byte {
	switch {
	case length < 126:
		dst = append(dst, finBit|opcode, maskBit|byte(length))
	case length < 1<<16:
		dst = append(dst, finBit|opcode, maskBit|126, byte(length>>8), byte(length))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, finBit|opcode, maskBit|127), uint64(length))
	}
	return binary.LittleEndian.AppendUint32(dst, mask)
}

func seal(payload []byte) {
	for len(payload) >= 8 {
		binary.LittleEndian.PutUint64(payload, binary.LittleEndian.Uint64(payload)^(mask<<32|mask))
		payload = payload[8:]
	}
	for i := range payload {
		payload[i] ^= byte(uint32(mask) >> (8 * (i & 3)))
	}
}

// appendFrame appends a whole masked frame.
func appendFrame(dst []byte, opcode byte, payload []byte) []byte {
	dst = append(appendHeader(dst, opcode, len(payload)), payload...)
	seal(dst[len(dst)-len(payload):])
	return dst
}

// frame is what was read.
type frame struct {
	fin     bool
	opcode  byte
	payload []byte // valid until the next call of next
}

// frames reads frames from a connection.
type frames struct {
	net.Conn
	buf        []byte
	start, end int // buf[start:end] has been read and not been used
}

var errFrame = errors.New("the server breaks the protocol")

// ready reports whether next will return without reading from the network.
func (f *frames) ready() bool {
	_, _, whole, err := f.parse()
	return whole || err != nil
}

// next returns the next frame, control frames included.
func (f *frames) next() (frame, error) {
	for {
		header, payload, whole, err := f.parse()
		if err != nil {
			return frame{}, err
		}
		if whole {
			b := f.buf[f.start:]
			f.start += header + payload
			return frame{b[0]&finBit != 0, b[0] & 0xf, b[header : header+payload : header+payload]}, nil
		}
		if err := f.fill(header + payload); err != nil {
			return frame{}, err
		}
	}
}

// parse finds the length of the next frame's header and payload; whole is
// false while not all of it has been read.
func (f *frames) parse() (header, payload int, whole bool, err error) {
	b := f.buf[f.start:f.end]
	if len(b) < 2 {
		return 0, 0, false, nil
	}
	if b[0]&reservedBits != 0 || b[1]&maskBit != 0 {
		return 0, 0, false, fmt.Errorf("%w: a frame has reserved bits or a mask", errFrame)
	}
	header, payload = 2, int(b[1])
	switch {
	case payload == 126 && len(b) >= 4:
		header, payload = 4, int(binary.BigEndian.Uint16(b[2:]))
	case payload == 127 && len(b) >= 10:
		long := binary.BigEndian.Uint64(b[2:])
		if long > maxMessage {
			return 0, 0, false, fmt.Errorf("a frame of %d bytes is more than the %d that are accepted", long, maxMessage)
		}
		header, payload = 10, int(long)
	case payload >= 126:
		return 0, 0, false, nil
	}
	return header, payload, len(b) >= header+payload, nil
}

// fill reads once, whatever is there, into a buffer that holds a frame of
// want bytes.
func (f *frames) fill(want int) error {
	if f.start == f.end {
		f.start, f.end = 0, 0
	}
	switch {
	case f.end < len(f.buf) && f.start+want <= len(f.buf):
	case f.start > len(f.buf)/2:
		f.end = copy(f.buf, f.buf[f.start:f.end])
		f.start = 0
	default:
		grown := make([]byte, max(1024, want, 2*len(f.buf)))
		f.end = copy(grown, f.buf[f.start:f.end])
		f.buf, f.start = grown, 0
	}
	n, err := f.Read(f.buf[f.end:])
	f.end += n
	if n > 0 {
		return nil
	}
	return err
}

// closeCode is the status code in the payload of a close frame; 1005 when it
// carries none.
func closeCode(payload []byte) int {
	if len(payload) < 2 {
		return 1005
	}
	return int(binary.BigEndian.Uint16(payload))
}
