package rfc6455

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// TestHeaders writes and reads headers of every form.
func TestHeaders(t *testing.T) {
	for _, n := range []uint64{0, 1, 125, 126, 127, 65535, 65536, 1 << 40} {
		for _, masked := range []bool{false, true} {
			want := Header{Opcode: Binary, Fin: n%2 == 0, RSV: 5, Masked: masked, Length: n}
			b := AppendHeader(nil, want)
			got, key, size := ParseHeader(append(b, "payload"...))
			if got != want || size != len(b) || masked != (key == Key) {
				t.Errorf("%+v comes back as %+v of %d bytes", want, got, size)
			}
			for i := range b {
				if _, _, size := ParseHeader(b[:i]); size != 0 {
					t.Errorf("%d of %d bytes are a header", i, len(b))
				}
			}
		}
	}
}

// TestFrames compares frames with those of RFC 6455 sections 5.2 and 5.7.
func TestFrames(t *testing.T) {
	long := bytes.Repeat([]byte("abc"), 1<<16)
	for _, c := range []struct {
		h      Header
		length int
		want   string
	}{
		{Header{Opcode: Text, Fin: true}, 3, "8103 616263"},
		{Header{Opcode: Text}, 3, "0103 616263"},
		{Header{Opcode: Text, Fin: true, Masked: true}, 3, "8183 3d21fa37 5c4399"},
		{Header{Opcode: Ping, Fin: true}, 0, "8900"},
		{Header{Opcode: Binary, Fin: true}, 256, "827e0100 616263"},
		{Header{Opcode: Binary, Fin: true}, 65536, "827f0000000000010000 616263"},
	} {
		c.h.Length = uint64(c.length)
		want, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(c.want), []byte(" "), nil)))
		if err != nil {
			t.Fatal(err)
		}
		got := AppendFrame([]byte(">"), c.h, long[:c.length])[1:]
		if !bytes.HasPrefix(got, want) {
			t.Errorf("the %+v begins with % x", c.h, got[:len(want)])
		}
		h, key, size := ParseHeader(got)
		payload := got[size:]
		if h.Masked {
			Mask(payload, key)
		}
		if h != c.h || !bytes.Equal(payload, long[:c.length]) {
			t.Errorf("%+v comes back as %+v", c.h, h)
		}
	}
	if got := Accept("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" { // section 1.3
		t.Errorf("the key is answered with %s", got)
	}
}

// TestMask masks at every length as section 5.3 says: byte by byte.
func TestMask(t *testing.T) {
	for n := range 20 {
		p := make([]byte, n)
		Mask(p, 0x04030201)
		for i, b := range p {
			if b != byte(i%4+1) {
				t.Errorf("%d bytes become % x", n, p)
				break
			}
		}
	}
}

// FuzzHeader reads the same from a slice and from a reader in small pieces.
func FuzzHeader(f *testing.F) {
	f.Add([]byte{0x81, 0xfe, 0, 126, 1, 2, 3, 4, 5})
	f.Add([]byte{0x81, 0x7f, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		want, wantKey, size := ParseHeader(b)
		r := iotest.OneByteReader(bytes.NewReader(b))
		h, key, err := ReadHeader(r)
		if size == 0 {
			if len(b) == 0 && !errors.Is(err, io.EOF) || len(b) > 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("an unfinished header ends with %v", err)
			}
			return
		}
		rest, _ := io.ReadAll(r)
		if err != nil || h != want || key != wantKey || len(rest) != len(b)-size {
			t.Fatalf("%+v, %v with %d bytes left; from the slice %+v of %d", h, err, len(rest), want, size)
		}
	})
}
