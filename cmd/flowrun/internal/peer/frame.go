package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Opcodes of RFC 6455 section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa

	finBit  = 0x80
	maskBit = 0x80

	maxControl = 125 // longest payload of a control frame
)

// Codes of closes that never travel.
const (
	noCode   = 1005 // the close frame had none
	abnormal = 1006 // there was no close frame
)

// shape is all of a frame but its payload.
type shape struct {
	opcode byte
	fin    bool
	rsv    byte
	masked bool
	length uint64 // what the header says
}

// mask is the same for every frame: nothing between us and the other side
// could be fooled by what we send.
var mask = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// appendFrame appends the frame with the payload, which may be shorter or
// longer than the header says.
func appendFrame(dst []byte, s shape, payload []byte) []byte {
	first, second := s.opcode&0xf|s.rsv&7<<4, byte(0)
	if s.fin {
		first |= finBit
	}
	if s.masked {
		second = maskBit
	}
	switch {
	case s.length < 126:
		dst = append(dst, first, second|byte(s.length))
	case s.length <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, first, second|126), uint16(s.length))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, second|127), s.length)
	}
	if !s.masked {
		return append(dst, payload...)
	}
	dst = append(dst, mask[:]...)
	for i, b := range payload {
		dst = append(dst, b^mask[i&3])
	}
	return dst
}

// readShape reads the header of a frame, and its mask, which is zero without.
func readShape(r io.Reader) (s shape, key [4]byte, err error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return s, key, err
	}
	s = shape{opcode: b[0] & 0xf, fin: b[0]&finBit != 0, rsv: b[0] >> 4 & 7, masked: b[1]&maskBit != 0, length: uint64(b[1] &^ maskBit)}
	switch s.length {
	case 126:
		_, err = io.ReadFull(r, b[:2])
		s.length = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		_, err = io.ReadFull(r, b[:8])
		s.length = binary.BigEndian.Uint64(b[:])
	}
	if err == nil && s.masked {
		_, err = io.ReadFull(r, key[:])
	}
	if errors.Is(err, io.EOF) { // it ended within the frame
		err = io.ErrUnexpectedEOF
	}
	return s, key, err
}

func unmask(p []byte, key [4]byte) {
	for i := range p {
		p[i] ^= key[i&3]
	}
}

// violation is something that came and cannot be a message, whatever was
// expected.
type violation struct{ what string }

func (v *violation) Error() string { return v.what }

// breach is a violation of the protocol.
func breach(format string, args ...any) error {
	return &violation{"the other side broke the protocol: " + fmt.Sprintf(format, args...)}
}

// check says what is wrong with a frame that came; inside tells that a
// fragmented message is on its way, fromServer who sent it.
func (s *shape) check(inside, fromServer bool) error {
	name := opcodeName(s.opcode)
	switch {
	case s.rsv != 0:
		return breach("a %s frame has reserved bits set (%03b), and no extension was agreed on", name, s.rsv)
	case s.opcode > opBinary && s.opcode < opClose || s.opcode > opPong:
		return breach("a frame has the unknown opcode %#x", s.opcode)
	case fromServer && s.masked:
		return breach("a server sent a masked %s frame", name)
	case !fromServer && !s.masked:
		return breach("a client sent a %s frame without a mask", name)
	case s.opcode >= opClose && !s.fin:
		return breach("a %s frame is fragmented", name)
	case s.opcode >= opClose && s.length > maxControl:
		return breach("a %s frame has %d bytes, more than %d", name, s.length, maxControl)
	case s.opcode == opContinuation && !inside:
		return breach("a continuation frame continues nothing")
	case (s.opcode == opText || s.opcode == opBinary) && inside:
		return breach("a %s frame comes within a fragmented message", name)
	}
	return nil
}

func opcodeName(op byte) string {
	switch op {
	case opContinuation:
		return "continuation"
	case opText:
		return "text"
	case opBinary:
		return "binary"
	case opClose:
		return "close"
	case opPing:
		return "ping"
	case opPong:
		return "pong"
	}
	return fmt.Sprintf("%#x", op)
}

func closePayload(code int, reason string) []byte {
	if code == 0 {
		return nil
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}
