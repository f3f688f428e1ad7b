package ws

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

var modes = map[string]websocket.CompressionMode{
	"off":                 websocket.CompressionDisabled,
	"no_context_takeover": websocket.CompressionNoContextTakeover,
	"context_takeover":    websocket.CompressionContextTakeover,
}

// texts are messages of all kinds of lengths, alike and not.
func texts() (all [][]byte) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 127, 128, 1000, 40000, 100, 70000, 5000} {
		noise := make([]byte, n)
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		all = append(all, bytes.Repeat([]byte("abcdefghij"), n/10), noise, fmt.Appendf(nil, `{"n":%d,"text":"%s"}`, n, strings.Repeat("x", n)))
	}
	return all
}

// Every mode of a server talks to every mode of a client, and what is agreed is
// what both have.
func TestCompression(t *testing.T) {
	for ours := range modes {
		for theirs, mode := range modes {
			t.Run(ours+" and "+theirs, func(t *testing.T) {
				f := start(t, func(c *ServerConfig) { c.Compression = ours })
				c, r, err := websocket.Dial(t.Context(), f.url, &websocket.DialOptions{CompressionMode: mode})
				if err != nil {
					t.Fatal(err)
				}
				defer c.CloseNow()
				c.SetReadLimit(1 << 20)
				agreed := r.Header.Get("Sec-WebSocket-Extensions")
				if on := ours != "off" && theirs != "off"; on != (agreed != "") || on && strings.Contains(agreed, "no_context") != (ours == "no_context_takeover" || theirs == "no_context_takeover") {
					t.Errorf("agreed: %q", agreed)
				}
				for range 2 {
					for _, p := range texts() {
						write(t, c, websocket.MessageBinary, string(p))
						expect(t, c, websocket.MessageBinary, string(p))
					}
				}
				f.end()
				expectClose(t, c, websocket.StatusGoingAway)
			})
		}
	}
}

// What is inflated is what max_message bounds.
func TestABombIsNotInflated(t *testing.T) {
	for _, mode := range []string{"no_context_takeover", "context_takeover"} {
		f := start(t, func(c *ServerConfig) { c.Compression, c.MaxMessage = mode, 100000 })
		c, _, err := websocket.Dial(t.Context(), f.url, &websocket.DialOptions{CompressionMode: modes[mode]})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		c.SetReadLimit(1 << 20)
		for _, p := range []string{strings.Repeat("a", 100000), noise(100000)} { // as long as may be
			write(t, c, websocket.MessageBinary, p)
			expect(t, c, websocket.MessageBinary, p)
		}
		_ = c.Write(context.Background(), websocket.MessageText, make([]byte, 100001))
		_, _, err = c.Read(context.Background())
		var ce websocket.CloseError
		if !errors.As(err, &ce) || ce.Code != websocket.StatusMessageTooBig {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func noise(n int) string {
	random := rand.New(rand.NewPCG(3, 4))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(random.Uint32())
	}
	return string(p)
}

// BenchmarkIdleCompressed reports the memory of a connection that has exchanged
// a message of 500 bytes each way, in bytes of live heap.
func BenchmarkIdleCompressed(b *testing.B) {
	const conns = 500
	for _, mode := range []string{"off", "no_context_takeover", "context_takeover"} {
		b.Run(mode, func(b *testing.B) {
			f := start(b, func(c *ServerConfig) { c.Compression = mode })
			message := []byte(noise(250))
			message = fmt.Appendf(message, "%x", message[:125])
			open := func() net.Conn {
				c, err := net.Dial("tcp", f.addr)
				if err != nil {
					b.Fatal(err)
				}
				fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
				r := bufio.NewReader(c)
				if _, err := http.ReadResponse(r, nil); err != nil {
					b.Fatal(err)
				}
				first, payload := byte(0x82), message
				if mode != "off" {
					var z bytes.Buffer
					w, _ := flate.NewWriter(&z, 1)
					_, _ = w.Write(message)
					_ = w.Flush()
					first, payload = 0xc2, z.Bytes()[:z.Len()-4]
				}
				frame := append(binary.BigEndian.AppendUint16([]byte{first, 0xfe}, uint16(len(payload))), 0, 0, 0, 0)
				_, _ = c.Write(append(frame, payload...))
				if _, err := io.ReadFull(r, make([]byte, 200)); err != nil {
					b.Fatal(err)
				}
				return c
			}
			live := func() uint64 {
				runtime.GC()
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapAlloc
			}
			for b.Loop() {
				open().Close()
				before := live()
				all := make([]net.Conn, conns)
				for i := range all {
					all[i] = open()
				}
				b.ReportMetric(float64(live()-before)/conns, "B/conn")
				for _, c := range all {
					_ = c.Close()
				}
			}
		})
	}
}
