package load

import (
	"errors"
	"fmt"
	"net"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc6455"
)

// maxMessage bounds a message, sent or received, and so what a connection
// needs in memory.
const maxMessage = 16 << 20

// piece is a frame that came.
type piece struct {
	rfc6455.Header
	payload []byte
}

// control spells a control frame.
func control(opcode byte, payload []byte) []byte {
	return rfc6455.AppendFrame(nil, rfc6455.Header{Opcode: opcode, Fin: true, Masked: true, Length: uint64(len(payload))}, payload)
}

// frames reads frames from a connection.
type frames struct {
	net.Conn
	buf        []byte
	start, end int   // buf[start:end] has been read and not been used
	coming     piece // the frame at start
	header     int   // the length of its header, 0 while that is not known
}

var errFrame = errors.New("the server breaks the protocol")

// ready reports whether next will return without reading from the network.
func (f *frames) ready() bool {
	whole, err := f.parse()
	return whole || err != nil
}

// next returns the next frame, control frames included, which is valid until
// the next call of ready or next.
func (f *frames) next() (*piece, error) {
	for {
		whole, err := f.parse()
		if err != nil {
			return nil, err
		}
		size := f.header + int(f.coming.Length)
		if whole {
			f.coming.payload = f.buf[f.start+f.header : f.start+size : f.start+size]
			f.start += size
			f.header = 0
			return &f.coming, nil
		}
		if err := f.fill(size); err != nil {
			return nil, err
		}
	}
}

// parse looks at the next frame: whole is false while not all of it has been
// read. Its header is parsed once.
func (f *frames) parse() (whole bool, err error) {
	if f.header == 0 {
		f.coming.Header, _, f.header = rfc6455.ParseHeader(f.buf[f.start:f.end])
	}
	if f.coming.Length > maxMessage {
		return false, fmt.Errorf("a frame of %d bytes is more than the %d that are accepted", f.coming.Length, maxMessage)
	}
	return f.header > 0 && f.end-f.start >= f.header+int(f.coming.Length), nil
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
