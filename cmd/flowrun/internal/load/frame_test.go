package load

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/iotest"
	"time"
)

// tape is a connection on which a server has said something already.
type tape struct {
	net.Conn
	io.Reader
}

func (t tape) Read(p []byte) (int, error)     { return t.Reader.Read(p) }
func (tape) Write(p []byte) (int, error)      { return len(p), nil }
func (tape) Close() error                     { return nil }
func (tape) SetDeadline(time.Time) error      { return nil }
func (tape) SetReadDeadline(time.Time) error  { return nil }
func (tape) SetWriteDeadline(time.Time) error { return nil }

// hear lets a client hear the tape to its end and tells what came.
func hear(r io.Reader) (messages, size int64, err error) {
	c := &client{frames: &frames{Conn: tape{Reader: r}}, run: &run{o: &Options{Mode: Receive}}}
	c.source = c
	for err == nil {
		err = c.hear()
	}
	return c.heard.Load(), c.bytes.Load(), err
}

// Whatever a server sends, and in whatever pieces it comes, the client says the
// same of it, and keeps no more of it than a message may have.
func FuzzHear(f *testing.F) {
	f.Add([]byte{0x81, 2, 'h', 'i', 0x82, 0})
	f.Add([]byte{0x01, 1, 'h', 0x89, 0, 0x80, 1, 'i'})
	f.Add([]byte{0x88, 2, 3, 232})
	f.Add([]byte{0x81, 126, 0, 1, 'x'})
	f.Add([]byte{0x81, 127, 0, 0, 0, 0, 0, 0, 0, 1, 'x'})
	f.Add([]byte{0x81, 127, 0xff, 0, 0, 0, 0, 0, 0, 1})
	f.Add([]byte{0xc1, 0x80})
	f.Fuzz(func(t *testing.T, stream []byte) {
		_, wholeSize, wholeErr := hear(bytes.NewReader(stream))
		_, partsSize, partsErr := hear(iotest.OneByteReader(bytes.NewReader(stream)))
		if wholeErr.Error() != partsErr.Error() {
			t.Errorf("at once it ends with %v, in parts with %v", wholeErr, partsErr)
		}
		if wholeSize > partsSize || partsSize > int64(len(stream)) {
			t.Errorf("at once %d bytes came, in parts %d, of %d", wholeSize, partsSize, len(stream))
		}
	})
}
