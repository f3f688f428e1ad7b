package wire

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is a connection and its other side.
func pair(t *testing.T, o Options) (*Conn, net.Conn) {
	here, there := net.Pipe()
	o.Log = func(string, ...any) {}
	if o.MaxMessage == 0 {
		o.MaxMessage = 1 << 20
	}
	if o.Inbox == 0 {
		o.Inbox = 1 << 20
	}
	g := NewGate(here)
	c := New(g, bufio.NewReader(g), g, o)
	t.Cleanup(func() {
		_ = there.Close()
		c.Leave(false)
	})
	return c, there
}

// TestViolations sends a client what no server may send.
func TestViolations(t *testing.T) {
	for _, c := range []struct{ frames, want string }{
		{"\xc1\x00", "reserved bits"},
		{"\x83\x00", "unknown opcode 0x3"},
		{"\x8b\x00", "unknown opcode 0xb"},
		{"\x81\x80abcd", "a server sent a masked text frame"},
		{"\x09\x00", "a ping frame is fragmented"},
		{"\x89\x7e\x00\x7e", "a ping frame has 126 bytes"},
		{"\x80\x00", "continues nothing"},
		{"\x01\x00\x81\x00", "a text frame comes within a fragmented message"},
		{"\x88\x01x", "a close frame has one byte"},
		{"\x88\x03\x03\xe8\xff", "the reason of a close frame is not valid UTF-8"},
		{"\x81\x01\xff", "a text message is not valid UTF-8: hex ff"},
		{"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "larger than max_message (1MiB)"},
		{"\x02\x00\x00\x7f\x00\x00\x00\x00\x00\x20\x00\x00", "larger than max_message (1MiB)"},
	} {
		conn, there := pair(t, Options{Client: true})
		go func() { _, _ = there.Write([]byte(c.frames)) }()
		_, end, err := conn.Next(t.Context())
		if v := (*Violation)(nil); end != nil || !errors.As(err, &v) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, %v; it is: %s", c.frames, end, err, c.want)
		}
	}
}

// TestInboxIsBounded sends empty messages until nothing is read any more.
func TestInboxIsBounded(t *testing.T) {
	conn, there := pair(t, Options{Client: true, Inbox: 1000})
	_ = there.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	sent := 0
	for ; sent < 100_000; sent++ {
		if _, err := there.Write([]byte("\x81\x00")); err != nil {
			break
		}
	}
	if sent > 5000 { // the bufio.Reader holds 2048
		t.Errorf("%d messages fit into an inbox of 1000 bytes", sent)
	}
	for range sent {
		if _, end, err := conn.Next(t.Context()); end != nil || err != nil {
			t.Fatal(end, err)
		}
	}
}

// FuzzRead reads whatever comes, as client and server, and always ends.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", "\x81\x02hi", "\x01\x01h\x89\x00\x80\x01i\x88\x02\x03\xe8", "\x82\x85\x00\x00\x00\x00hello", "\x8a\x00\x7f"} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, p []byte, client bool) {
		here, there := net.Pipe()
		g := NewGate(here)
		c := New(g, bufio.NewReader(g), g, Options{
			Client: client, AnswerPings: true, AnswerClose: true, MaxMessage: 100, Inbox: 1 << 20, Log: func(string, ...any) {},
		})
		go func() {
			_, _ = there.Write(p)
			_ = there.Close()
		}()
		go func() { // answers are read
			var b [512]byte
			for {
				if _, err := there.Read(b[:]); err != nil {
					return
				}
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for {
			m, end, err := c.Next(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				t.Fatal("it does not end")
			}
			if end != nil || err != nil {
				break
			}
			if len(m.Data) > 100 || !m.Binary && !utf8.Valid(m.Data) {
				t.Fatalf("the message %s", m)
			}
		}
		c.Leave(false)
		_ = there.Close()
	})
}

// FuzzExcerpt has one line of bounded length.
func FuzzExcerpt(f *testing.F) {
	f.Add([]byte("hello"))
	f.Add([]byte("\x00\xff"))
	f.Add([]byte(strings.Repeat("é", 300)))
	f.Fuzz(func(t *testing.T, p []byte) {
		if s := Excerpt(p); strings.ContainsAny(s, "\n\r\x00") || len(s) > 5*maxExcerpt || !utf8.ValidString(s) {
			t.Fatalf("%q", s)
		}
	})
}
