package acceptance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/tests/wire"
)

// Whoever sends more than the limits allow is closed, whatever it is that they
// send; and comes back, and again.
func TestFloods(t *testing.T) {
	frame := func(first byte, size int) []byte { return wire.AppendFrame(nil, first, make([]byte, size)) }
	open := frame(wire.Text, 1)
	for name, flood := range map[string]struct{ first, then []byte }{
		"pings":           {nil, frame(wire.Fin|wire.Ping, 125)},
		"empty pings":     {nil, frame(wire.Fin|wire.Ping, 0)},
		"pongs":           {nil, frame(wire.Fin|wire.Pong, 0)},
		"tiny fragments":  {open, frame(wire.Continuation, 1)},
		"empty fragments": {open, frame(wire.Continuation, 0)},
		"pings between":   {open, slices.Concat(frame(wire.Fin|wire.Ping, 1), frame(wire.Continuation, 0))},
		"empty messages":  {nil, frame(wire.Fin|wire.Text, 0)},
		"large messages":  {nil, frame(wire.Fin|wire.Text, 60_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			besieged(t, fmt.Sprintf(fortified, ""), func(f *flowrun, addr string) {
				burst := bytes.Repeat(flood.then, 1+(64<<10)/len(flood.then))
				var codes [2000]atomic.Int64
				each(t, 4*(*attackers), min(*attackers, 16), func(int) error {
					c, status, body, err := knock("127.0.0.2", addr, "/", "")
					switch {
					case err != nil:
						return err
					case status == 429: // the last one from here is still being parted from
						codes[status].Add(1)
						return nil
					case c == nil:
						return fmt.Errorf("the handshake is answered %d %s", status, body)
					}
					defer c.Close()
					go func() {
						_, err := c.Write(flood.first)
						for begun := 0; err == nil && begun < 4<<20; begun += len(burst) {
							_, err = c.Write(burst)
						}
					}()
					code := parting(c)
					codes[code].Add(1)
					if code != 1008 && code != 1006 {
						return fmt.Errorf("the connection was closed with %d", code)
					}
					return nil
				})
				t.Logf("1008: %d, cut: %d, 429: %d", codes[1008].Load(), codes[1006].Load(), codes[429].Load())
				if codes[1008].Load() == 0 {
					t.Error("nobody was closed with 1008")
				}
				f.logged("who is closed", func(text string) bool { return strings.Contains(text, "sends more than a limit allows") })
			})
		})
	}
}

// A frame's length has 64 bits; none of them costs memory, or more than the
// connection.
func TestLongLengths(t *testing.T) {
	besieged(t, fmt.Sprintf(fortified, ""), func(_ *flowrun, addr string) {
		lengths := []uint64{64<<10 + 1, 1 << 31, 1 << 32, 1<<62 + 5, 1<<63 - 1, 1 << 63, 1<<64 - 1}
		each(t, *attackers, 16, func(i int) error {
			c, _, _, err := knock("127.0.0.2", addr, "/", "")
			if err != nil || c == nil {
				return err
			}
			defer c.Close()
			length := lengths[i%len(lengths)]
			first := []byte{wire.Fin | wire.Binary, wire.Text, wire.Fin | wire.Ping}[i%3]
			header := binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, length)
			if _, err := c.Write(append(header, make([]byte, 4+1000)...)); err != nil {
				return err
			}
			if code := parting(c); code != 1009 && code != 1002 {
				return fmt.Errorf("a frame of %d bytes (%#x): closed with %d", length, first, code)
			}
			return nil
		})
	})
}

// One address has its share of the connections, all addresses together have no
// more than there are; who is in is not touched, and when somebody leaves there
// is room.
func TestFloodOfConnections(t *testing.T) {
	besieged(t, fmt.Sprintf(fortified, ""), func(f *flowrun, addr string) {
		in := make(chan *wire.Conn, 64)
		var answers [600]atomic.Int64
		from := func(host string, count int) {
			each(t, count, 16, func(int) error {
				c, status, body, err := knock(host, addr, "/", "")
				if err != nil {
					return err
				}
				answers[status].Add(1)
				if c != nil {
					in <- c
				} else if !strings.HasPrefix(body, `{"error":"too_many_connections`) {
					return fmt.Errorf("answer %d: %s", status, body)
				}
				return nil
			})
		}
		expect := func(what string, ok, perIP, all int64) {
			t.Helper()
			if a, b, c := answers[101].Swap(0), answers[429].Swap(0), answers[503].Swap(0); a != ok || b != perIP || c != all {
				t.Errorf("%s: 101, 429 and 503 were answered %d, %d and %d times, not %d, %d and %d", what, a, b, c, ok, perIP, all)
			}
		}
		from("127.0.0.2", 200)
		expect("one address", 16, 184, 0)
		for _, host := range []string{"127.0.0.3", "127.0.0.4"} {
			from(host, 16)
		}
		expect("others", 32, 0, 0)
		from("127.0.0.5", 100)
		expect("there is a client beside", 15, 0, 85)
		c := <-in
		if err := leaves(c); err != nil {
			t.Error(err)
		}
		await(t, "there is room", func() bool {
			c, status, _, err := knock("127.0.0.6", addr, "/", "")
			if err != nil || status != 101 {
				return err == nil && status != 503
			}
			in <- c
			return true
		})
		for len(in) > 0 {
			_ = (<-in).Close()
		}
		if n := strings.Count(f.Stderr.String(), "handshake refused"); n > 40 {
			t.Errorf("there are %d lines in the log of 269 refusals", n)
		}
	})
}

// Clients that connect, say goodbye at once, and connect again; or are cut, or
// send the close frame many times.
func TestStormOfCloses(t *testing.T) {
	besieged(t, fmt.Sprintf(fortified, ""), func(_ *flowrun, addr string) {
		goodbye := wire.AppendFrame(nil, wire.Fin|wire.Close, []byte{3, 232})
		each(t, 20*(*attackers), 16, func(i int) error {
			c, status, body, err := knock(fmt.Sprintf("127.0.0.%d", 2+i%3), addr, "/", "")
			switch {
			case err != nil || status == 429:
				return err
			case c == nil:
				return fmt.Errorf("the handshake is answered %d %s", status, body)
			}
			defer c.Close()
			switch i % 4 {
			case 0:
				_, _ = c.Write(bytes.Repeat(goodbye, 1000))
			case 1:
				_, _ = c.Write(goodbye[:3])
			case 2:
				_, _ = c.Write(append(goodbye, wire.AppendFrame(nil, wire.Fin|wire.Text, make([]byte, 1000))...))
			}
			return nil
		})
	})
}

// A client that asks for a lot and reads nothing is held back, or parted from;
// it delays nobody, and the process does not wait for it.
func TestNobodyWaitsForThoseWhoDoNotRead(t *testing.T) {
	f := start(t, "", fmt.Sprintf(fortified, ""))
	addr := f.address("edge")
	end := siege{}.beside(t, addr)
	before := f.rss()
	each(t, 16, 16, func(int) error {
		c, _, _, err := knock("127.0.0.2", addr, "/", "")
		if err != nil || c == nil {
			return err
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		_, _ = c.Write(bytes.Repeat(wire.AppendFrame(nil, wire.Fin|wire.Text, make([]byte, 32<<10)), 100))
		return nil
	})
	f.grewAtMost(before, fortifiedMiB)
	end()
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	f.exits(0)
}
