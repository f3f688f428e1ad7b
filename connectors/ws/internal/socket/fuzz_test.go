package socket

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // of RFC 6455
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// script is the socket of a peer that sends what is written down, in pieces of
// a given size, and then is gone.
type script struct {
	input []byte
	piece int
	sent  bytes.Buffer
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.input) == 0 {
		return 0, errCut // not io.EOF, which the library takes for the end of a message
	}
	n := copy(p[:min(len(p), s.piece)], s.input)
	s.input = s.input[n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error)      { return s.sent.Write(p) }
func (s *script) Close() error                     { return nil }
func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// recorded is a ResponseWriter that gives nc away.
type recorded struct {
	*httptest.ResponseRecorder
	nc net.Conn
}

func (u recorded) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return u.nc, bufio.NewReadWriter(bufio.NewReader(u.nc), bufio.NewWriter(u.nc)), nil
}

func accept(t testing.TB, nc net.Conn) *websocket.Conn {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Version", "13")
	r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	lib, err := websocket.Accept(recorded{httptest.NewRecorder(), nc}, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

// dialled is the library's connection to the peer of a script.
func dialled(t testing.TB, nc net.Conn) *websocket.Conn {
	t.Helper()
	answer := func(r *http.Request) (*http.Response, error) {
		digest := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		return &http.Response{
			StatusCode: http.StatusSwitchingProtocols,
			Header: http.Header{
				"Connection":           {"Upgrade"},
				"Upgrade":              {"websocket"},
				"Sec-Websocket-Accept": {base64.StdEncoding.EncodeToString(digest[:])},
			},
			Body: nc,
		}, nil
	}
	lib, _, err := websocket.Dial(t.Context(), "ws://peer.test", &websocket.DialOptions{HTTPClient: &http.Client{Transport: roundTrip(answer)}})
	if err != nil {
		t.Fatal(err)
	}
	lib.SetReadLimit(1000)
	return lib
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// talk is what came of a conversation.
type talk struct {
	Messages []string // "t:…" or "b:…"
	Written  []string // frames, without their masks
}

// frames spells what was written.
func frames(p []byte) (all []string) {
	for {
		h, ok := frame.Parse(p)
		if !ok || h.Total() > int64(len(p)) {
			return all
		}
		payload := slices.Clone(p[h.Size:h.Total()])
		if h.Masked {
			frame.Mask(payload, h.Mask)
		}
		all = append(all, fmt.Sprintf("%x masked=%v %q", h.First, h.Masked, payload))
		p = p[h.Total():]
	}
}

func message(binary bool, data []byte) string {
	if binary {
		return "b:" + string(data)
	}
	return "t:" + string(data)
}

// owner is one that takes messages.
type owner func([]flow.Frame)

func (o owner) Deliver(frames []flow.Frame) { o(frames) }
func (owner) Answered(time.Duration)        {}
func (owner) Settle()                       {}
func (owner) Leave()                        {}
func (owner) Drain()                        {}

// ours runs input through conn.
func ours(t testing.TB, client bool, input []byte, piece int) (talk, error) {
	s := &script{input: slices.Clone(input), piece: piece}
	c := New(s, nil, NewGroup(Options{Client: client, MaxMessage: 1000, MaxFragments: 1 << 20, AnyText: true}))
	if client {
		c.lib = dialled(t, wire{s, c})
	}
	var got talk
	err := c.Receive(owner(func(frames []flow.Frame) {
		for _, f := range frames {
			got.Messages = append(got.Messages, message(f.Binary, f.Data))
		}
	}))
	_ = c.Flush(context.Background())
	got.Written = frames(s.sent.Bytes())
	return got, err
}

// oracle runs input through the library alone.
func oracle(t testing.TB, client bool, input []byte, piece int) (talk, error) {
	s := &script{input: slices.Clone(input), piece: piece}
	make := accept
	if client {
		make = dialled
	}
	lib := make(t, s)
	lib.SetReadLimit(1000)
	var got talk
	for {
		kind, data, err := lib.Read(context.Background())
		if err != nil {
			got.Written = frames(s.sent.Bytes())
			return got, err
		}
		got.Messages = append(got.Messages, message(kind == websocket.MessageBinary, data))
	}
}

// masked appends a frame as clients send it.
func masked(dst []byte, first byte, mask uint32, payload []byte) []byte {
	dst = append(dst, first)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, frame.Masked|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, frame.Masked|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, frame.Masked|127), uint64(n))
	}
	var key [4]byte
	binary.LittleEndian.PutUint32(key[:], mask)
	dst = append(dst, key[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	frame.Mask(dst[start:], key)
	return dst
}

// FuzzConn compares what conn makes of a stream with what the library alone
// makes of it: the messages, the control frames written, and whether it ends
// with a close.
func FuzzConn(f *testing.F) {
	text := masked(nil, frame.Fin|frame.Text, 0x01020304, []byte("hello"))
	plain := frame.Append(nil, frame.Text, []byte("hello"), nil)
	f.Add(false, text, 1)
	f.Add(false, slices.Concat(text, masked(nil, frame.Fin|frame.Binary, 5, make([]byte, 200)), text), 7)
	f.Add(false, slices.Concat(masked(nil, frame.Text, 1, []byte("a")), masked(nil, frame.Fin|frame.Ping, 2, []byte("ping")), masked(nil, frame.Fin, 3, []byte("b")), text), 100)
	f.Add(false, slices.Concat(masked(nil, frame.Text, 1, []byte("a")), text), 3)
	f.Add(false, slices.Concat(text, masked(nil, frame.Fin|frame.Close, 1, frame.ClosePayload(1000, "bye")), text), 1000)
	f.Add(false, slices.Concat(masked(nil, frame.Text, 1, []byte("a")), masked(nil, frame.Fin|frame.Close, 2, frame.ClosePayload(4000, "enough")), masked(nil, frame.Fin, 3, []byte("b"))), 100)
	f.Add(false, masked(nil, frame.Fin|frame.Close, 1, nil), 1)
	f.Add(false, masked(nil, frame.Fin|frame.Close, 1, []byte{3}), 1)
	f.Add(false, masked(nil, frame.Fin|frame.Close, 1, frame.ClosePayload(1005, "")), 1)
	f.Add(false, masked(nil, frame.Close, 1, frame.ClosePayload(1000, "")), 1)
	f.Add(false, slices.Concat(masked(nil, frame.Fin|frame.Ping, 2, nil), masked(nil, frame.Fin|frame.Pong, 2, []byte("x")), text), 2)
	f.Add(false, masked(nil, frame.Fin|frame.Text, 9, make([]byte, 1001)), 5000)
	f.Add(false, masked(nil, frame.Fin|frame.Text, 9, make([]byte, 40000)), 5000)
	f.Add(false, masked(nil, frame.Fin|frame.Text, 9, []byte("cut short"))[:9], 58)
	f.Add(false, []byte{frame.Fin | frame.Text, frame.Masked | 127, 0xff, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5}, 4)
	f.Add(false, []byte{frame.Fin | frame.Text, frame.Masked | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5}, 4)
	f.Add(false, []byte{frame.Fin | frame.Text, 2, 'h', 'i'}, 1)
	f.Add(false, []byte{frame.Fin | 0x40 | frame.Text, frame.Masked | 1, 0, 0, 0, 0, 'x'}, 1)
	f.Add(true, plain, 1)
	f.Add(true, slices.Concat(plain, frame.Append(nil, frame.Ping, []byte("ping"), nil), plain, frame.Append(nil, frame.Close, frame.ClosePayload(1000, "bye"), nil)), 3)
	f.Add(true, slices.Concat([]byte{frame.Binary, 1, 'a'}, frame.Append(nil, frame.Ping, nil, nil), []byte{frame.Fin, 1, 'b'}, plain), 100)
	f.Add(true, slices.Concat(plain, text), 100)
	f.Fuzz(func(t *testing.T, client bool, input []byte, piece int) {
		if piece < 1 || piece > 1<<16 {
			piece = 1 + (piece & 0xff)
		}
		want, wantErr := oracle(t, client, input, piece)
		got, gotErr := ours(t, client, input, piece)
		switch {
		case errors.Is(gotErr, errMasked):
			// Which the library takes, as the RFC forbids.
			want.Messages = want.Messages[:min(len(got.Messages), len(want.Messages))]
			want.Written, wantErr = got.Written, gotErr
		case TooLong(gotErr):
			// Told by the header; the library reads as much first, and the
			// stream may end before.
			want.Written = got.Written
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("not as the library (-want +got):\n%s\nlibrary: %v\nours: %v", diff, wantErr, gotErr)
		}
		var wantClose, gotClose websocket.CloseError
		if errors.As(wantErr, &wantClose) != errors.As(gotErr, &gotClose) || wantClose != gotClose {
			t.Errorf("ended with %v, the library with %v", gotErr, wantErr)
		}
	})
}
