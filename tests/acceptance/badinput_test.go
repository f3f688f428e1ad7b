package acceptance

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/tests/wire"
)

// guarded is an echo server with small limits whose problems go to a file;
// %s takes further arguments.
const guarded = `
connector "ws_server" "edge" {
  url             = "127.0.0.1:0"
  preprocessors   = ["separate"]
  codec           = "json"
  postprocessors  = ["separate"]
  max_message     = "128KiB"
  connect_timeout = "6s"
  %s
}

connector "file" "problems" {
  path           = "problems.ndjson"
  mode           = "truncate"
  codec          = "json"
  postprocessors = ["separate"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}

connect "problems" {
  from = connector.edge.err
  to   = connector.problems
}
`

const withTLS = `
  tls {
    cert = "localhost.cert"
    key  = "localhost.key"
  }`

// problem is an event of an err port.
type problem struct {
	Error struct{ Kind, Message, Component string }
	Event any
	Raw   []byte
	Peer  struct {
		ID, Connector, Host string
		Port                int
	}
}

// problems waits until the file of problems has so many and returns them.
func (f *flowrun) problems(count int) []problem {
	f.t.Helper()
	path := filepath.Join(f.dir, "problems.ndjson")
	await(f.t, fmt.Sprintf("%s has %d lines", path, count), func() bool {
		return strings.Count(read(f.t, path), "\n") >= count
	})
	var all []problem
	for line := range strings.Lines(read(f.t, path)) {
		var p problem
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			f.t.Fatalf("an err event is not as documented: %v\n%s", err, line)
		}
		all = append(all, p)
	}
	return all
}

// overBoth runs a test against a plain and a TLS listener, with a client
// beside that must not notice.
func overBoth(t *testing.T, test func(t *testing.T, f *flowrun, addr string, config *tls.Config)) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %t", secure), func(t *testing.T) {
			dir := t.TempDir()
			more, config := "", (*tls.Config)(nil)
			if secure {
				more, config = withTLS, certificate(t, dir)
			}
			f := start(t, dir, fmt.Sprintf(guarded, more))
			addr := f.address("edge")
			end := witness(t, addr, config)
			test(t, f, addr, config)
			end()
		})
	}
}

// Bytes that are no handshake, on the plain and on the TLS port.
func TestRandomBytes(t *testing.T) {
	overBoth(t, func(t *testing.T, f *flowrun, addr string, config *tls.Config) {
		before := f.rss()
		each(t, 300, 100, func(i int) error {
			c, err := connect(addr)
			if err != nil {
				return err
			}
			defer c.Close()
			r := rand.New(rand.NewPCG(3, uint64(i)))
			if config != nil && i%3 == 0 { // garbage within TLS
				c = tls.Client(c, config)
			}
			noise := make([]byte, r.IntN(100_000))
			for i := range noise {
				noise[i] = byte(r.Uint32())
			}
			switch i % 4 {
			case 0:
				noise = append([]byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"), noise...)
			case 1:
				noise = append([]byte{22, 3, 1, 2, 0, 1}, noise...) // a ClientHello, it says
			}
			_, _ = c.Write(noise) // the server may have hung up long ago
			return hangsUp(c)
		})
		f.grewAtMost(before, 64)
	})
}

// hangsUp waits until the server closes the connection.
func hangsUp(c net.Conn) error {
	_, err := io.Copy(io.Discard, c)
	if e, ok := err.(net.Error); ok && e.Timeout() { //nolint:errorlint // as the net package returns it
		return fmt.Errorf("the server keeps a connection on which there was no handshake: %w", err)
	}
	return nil
}

// Handshakes that begin and do not end are cut, and wait in nobody's way.
func TestHalfOpenHandshakes(t *testing.T) {
	overBoth(t, func(t *testing.T, f *flowrun, addr string, config *tls.Config) {
		before := f.rss()
		const count = 200
		half := make([]net.Conn, count)
		each(t, count, 32, func(i int) (err error) {
			if half[i], err = connect(addr); err != nil {
				return err
			}
			switch {
			case config == nil && i%2 == 0:
				_, err = io.WriteString(half[i], "GET / HTTP/1.1\r\nHost: x\r\nX-Endless:")
			case config != nil && i%3 == 0:
				_, err = half[i].Write([]byte{22, 3, 1, 2, 0, 1, 0, 1}) // the beginning of a ClientHello
			case config != nil && i%3 == 1: // TLS, and half a request
				half[i] = tls.Client(half[i], config)
				_, err = io.WriteString(half[i], "GET / HTTP/1.1\r\nHost:")
			}
			return err // the rest say nothing at all
		})
		defer func() {
			for _, c := range half {
				if c != nil {
					_ = c.Close()
				}
			}
		}()
		if t.Failed() {
			return
		}
		c, err := dial(addr, config)
		if err != nil {
			t.Fatalf("a new client, while %d handshakes are open: %v", count, err)
		}
		defer c.Close()
		if err := echoes(c, "1\n"); err != nil {
			t.Error(err)
		}
		f.grewAtMost(before, 64)
		each(t, count, count, func(i int) error { return hangsUp(half[i]) })
		if err := echoes(c, "2\n"); err != nil {
			t.Errorf("connect_timeout has cut a connection that is open: %v", err)
		}
	})
}

// A frame that promises a GiB and a message that never ends cost no memory, and
// end with their connections.
func TestFramesThatPromiseTooMuch(t *testing.T) {
	f := start(t, "", fmt.Sprintf(guarded, ""))
	addr := f.address("edge")
	end := witness(t, addr, nil)
	before := f.rss()
	header := binary.BigEndian.AppendUint64([]byte{wire.Fin | wire.Binary, 0x80 | 127}, 1<<30)
	mask, long := []byte{0, 0, 0, 0}, make([]byte, 129<<10)
	for name, endless := range map[string][]byte{
		"a length of 1 GiB":       slices.Concat(header, mask, long),
		"endless empty fragments": append(wire.AppendFrame(nil, wire.Text, nil), bytes.Repeat(wire.AppendFrame(nil, wire.Continuation, nil), 100_000)...),
	} {
		t.Run(name, func(t *testing.T) {
			conn := mustDial(t, addr)
			go func() { _, _ = conn.Write(endless) }() // the server may close before it has read all
			for {
				got, err := conn.Next()
				if err != nil {
					t.Fatalf("wait for a close frame: %v", err)
				}
				if got.Opcode == wire.Close {
					t.Logf("closed with %d %s", got.Code(), got.Payload[min(2, len(got.Payload)):])
					return
				}
			}
		})
	}
	f.grewAtMost(before, 64)
	end()
}

// A line that does not end costs no more memory than max_length, and only
// itself.
func TestEndlessLine(t *testing.T) {
	f := start(t, "", fmt.Sprintf(guarded, ""))
	addr := f.address("edge")
	end := witness(t, addr, nil)
	before := f.rss()
	c := mustDial(t, addr)
	part := bytes.Repeat([]byte("9"), 64<<10)
	for range 1000 { // 64 MB
		if err := c.Send(wire.Fin|wire.Text, part); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Send(wire.Fin|wire.Text, []byte("9\n")); err != nil {
		t.Fatal(err)
	}
	if err := echoes(c, "\"after\"\n"); err != nil {
		t.Fatal(err)
	}
	f.grewAtMost(before, 32)
	if problems := f.problems(1); len(problems) != 1 {
		t.Errorf("there are %d err events for one line", len(problems))
	} else if p := problems[0]; p.Peer.Connector != "edge" || p.Error.Message == "" {
		t.Errorf("the err event of an endless line: %+v", p)
	}
	end()
}

// A message that grows when it is unpacked stops at max_size.
func TestZipBomb(t *testing.T) {
	flow := strings.NewReplacer(
		`preprocessors   = ["separate"]`, `preprocessors   = [{ name = "gzip", max_size = "1MiB" }]`,
		`postprocessors  = ["separate"]`, `postprocessors  = ["gzip"]`,
	).Replace(fmt.Sprintf(guarded, ""))
	f := start(t, "", flow)
	addr := f.address("edge")
	bomb := packed(t, io.LimitReader(zeros{}, 100<<20)) // about 130 KB
	before := f.rss()
	each(t, 20, 20, func(int) error {
		c, err := dial(addr, nil)
		if err != nil {
			return err
		}
		defer c.Close()
		for range 3 {
			if err := c.Send(wire.Fin|wire.Binary, bomb); err != nil {
				return err
			}
		}
		if err := c.Send(wire.Fin|wire.Binary, packed(t, strings.NewReader(`{"good":1}`))); err != nil {
			return err
		}
		frame, err := c.Next()
		if err != nil {
			return err
		}
		if frame.Opcode != wire.Binary {
			return fmt.Errorf("got opcode %d, %q, not a binary message", frame.Opcode, frame.Payload)
		}
		r, err := gzip.NewReader(bytes.NewReader(frame.Payload))
		if err != nil {
			return err
		}
		if text, err := io.ReadAll(r); err != nil || string(text) != `{"good":1}` {
			return fmt.Errorf("got %q, %v", text, err)
		}
		return nil
	})
	f.grewAtMost(before, 128)
	for _, p := range f.problems(60) {
		if p.Error.Message == "" || p.Peer.Connector != "edge" {
			t.Fatalf("the err event of a zip bomb: %s %+v %+v", base64.StdEncoding.EncodeToString(p.Raw[:min(20, len(p.Raw))]), p.Error, p.Peer)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func packed(t *testing.T, r io.Reader) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Error(err)
		return nil
	}
	if _, err := io.Copy(w, r); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	return b.Bytes()
}
