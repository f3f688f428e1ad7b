package acceptance

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/tests/wire"
)

const echoFlow = `
connector "ws_server" "edge" {
  url            = "127.0.0.1:0"
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`

// Every client gets exactly its own messages, in the order in which it sent
// them, whatever their sizes and however they are cut into frames.
func TestAThousandClients(t *testing.T) {
	for _, c := range []struct {
		name    string
		clients int
		secure  bool
	}{
		{"plain", 1000, false},
		{"TLS", 200, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() {
				c.clients /= 10
			}
			dir, more, config := t.TempDir(), "", (*tls.Config)(nil)
			if c.secure {
				more, config = withTLS, certificate(t, dir)
			}
			flow := strings.Replace(fmt.Sprintf(guarded, more), `connect_timeout = "6s"`, fmt.Sprintf("connect_timeout = %q", patience), 1)
			crowd(t, start(t, dir, flow).address("edge"), config, c.clients, rounds(100))
		})
	}
}

// crowd is that many clients at once, each with that many messages.
func crowd(t *testing.T, addr string, config *tls.Config, clients, messages int) {
	conns := make([]*wire.Conn, clients)
	each(t, clients, 32, func(i int) (err error) {
		conns[i], err = dial(addr, config)
		return err
	})
	t.Cleanup(func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	})
	if t.Failed() {
		return
	}
	var total atomic.Int64
	began := time.Now()
	each(t, clients, clients, func(i int) error {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		mine := distinct(r, i, messages)
		sent := make(chan error, 1)
		go func() { sent <- sendInPieces(conns[i], r, strings.Join(mine, "")) }()
		for _, want := range mine {
			_ = conns[i].SetDeadline(time.Now().Add(patience)) // of each message: all together may take long
			if err := expect(conns[i], want); err != nil {
				return fmt.Errorf("client %d: %w", i, err)
			}
			total.Add(int64(len(want)))
		}
		if err := <-sent; err != nil {
			return err
		}
		return leaves(conns[i])
	})
	t.Logf("%d clients, %d messages each, %d MB: %v", clients, messages, total.Load()/1e6, time.Since(began))
}

// each calls do for 0 to count-1, at most limit at a time, and reports the
// first few errors.
func each(t *testing.T, count, limit int, do func(i int) error) {
	t.Helper()
	var (
		wg     sync.WaitGroup
		errors atomic.Int64
		turn   = make(chan struct{}, limit)
	)
	for i := range count {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			if err := do(i); err != nil && errors.Add(1) <= 5 {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := errors.Load(); n > 5 {
		t.Errorf("and %d errors more", n-5)
	}
}

// distinct makes lines that no other client sends, most of them short, in
// random order.
func distinct(r *rand.Rand, client, count int) []string {
	all := make([]string, count)
	for i := range all {
		size := r.IntN(300)
		if r.IntN(10) == 0 {
			size = r.IntN(15_000)
		}
		all[i] = fmt.Sprintf(`{"client":%d,"message":%d,"pad":"%s"}`+"\n", client, i, strings.Repeat("x", size))
	}
	r.Shuffle(count, func(a, b int) { all[a], all[b] = all[b], all[a] })
	return all
}

// sendInPieces sends a text in messages that know nothing of its lines, some
// of them in several frames.
func sendInPieces(c *wire.Conn, r *rand.Rand, text string) error {
	var out []byte
	for first := byte(wire.Text); text != ""; {
		n := min(len(text), 1+r.IntN(2000))
		fin := byte(wire.Fin)
		if n < len(text) && r.IntN(5) == 0 {
			fin = 0
		}
		out = wire.AppendFrame(out[:0], fin|first, []byte(text[:n]))
		if _, err := c.Write(out); err != nil {
			return err
		}
		text = text[n:]
		if first = wire.Text; fin == 0 {
			first = wire.Continuation
		}
	}
	return nil
}

// Clients go away in the middle of everything, some politely and some not.
// Those who stay notice nothing, and nothing is sent to the wrong one.
func TestClientsThatVanish(t *testing.T) {
	f := start(t, "", echoFlow)
	addr := f.address("edge")
	ends := make([]func(), 10)
	for i := range ends {
		ends[i] = witness(t, addr, nil)
	}
	each(t, 200, 20, func(i int) error {
		c, err := dial(addr, nil)
		if err != nil {
			return err
		}
		defer c.Close()
		r := rand.New(rand.NewPCG(2, uint64(i)))
		mine, heard := distinct(r, i, 100), r.IntN(60)
		// Nobody is left to say how the sending went.
		sent := make(chan struct{})
		go func() { defer close(sent); _ = sendInPieces(c, r, strings.Join(mine, "")) }()
		for _, want := range mine[:heard] {
			if err := expect(c, want); err != nil {
				return err
			}
		}
		switch i % 3 {
		case 0: // a reset
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
		case 1: // half a frame
			_ = c.Conn.(*net.TCPConn).CloseWrite()
		}
		_ = c.Close()
		<-sent
		return nil
	})
	for _, end := range ends {
		end()
	}
	if err := echoes(mustDial(t, addr), "[\"after\"]\n"); err != nil {
		t.Error(err)
	}
}

// What can no longer be written to a client that has gone is said once, with
// its address and a count.
func TestLossIsLoggedOnce(t *testing.T) {
	f := start(t, "", echoFlow)
	addr := f.address("edge")
	c := mustDial(t, addr)
	flood(f, c)
	end := witness(t, addr, nil)
	_ = c.Conn.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
	about := regexp.MustCompile(`"events":[1-9].*` + regexp.QuoteMeta(c.LocalAddr().String()))
	f.logged("a line that counts what is lost", about.MatchString)
	end()
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	f.exits(0)
	if said := about.FindAllString(f.Stderr.String(), -1); len(said) != 1 {
		t.Errorf("the loss was logged %d times:\n%s", len(said), strings.Join(said, "\n"))
	}
}

// A client that sends and never reads fills its own buffers and holds back
// only itself: the others are answered as often as without it.
func TestStalledReaders(t *testing.T) {
	f := start(t, "", echoFlow)
	addr := f.address("edge")
	const clients = 8
	// asks has clients ask for some time, and returns how long each answer took.
	asks := func() []time.Duration {
		var took [clients][]time.Duration
		over := time.Now().Add(500 * time.Millisecond)
		each(t, clients, clients, func(i int) error {
			c, err := dial(addr, nil)
			if err != nil {
				return err
			}
			defer c.Close()
			for n := 0; n == 0 || time.Now().Before(over); n++ {
				asked := time.Now()
				if err := echoes(c, fmt.Sprintf("{\"n\":%d}\n", n)); err != nil {
					return err
				}
				took[i] = append(took[i], time.Since(asked))
			}
			return leaves(c)
		})
		return slices.Concat(took[:]...)
	}
	// typical is what the machine makes no longer by doing something else.
	typical := func(all []time.Duration) time.Duration {
		slices.Sort(all)
		return all[len(all)/4]
	}
	before := f.rss()
	var without, with []time.Duration
	for range 5 { // by turns, so that they share what the machine does meanwhile
		without = append(without, asks()...)
		stalled := make([]*wire.Conn, 5)
		for i := range stalled {
			stalled[i] = mustDial(t, addr)
		}
		flood(f, stalled...)
		with = append(with, asks()...)
		for _, c := range stalled {
			_ = c.Close()
		}
	}
	if t.Failed() {
		return
	}
	ratio := float64(typical(without)) / float64(typical(with))
	t.Logf("the others with stalled readers, to their speed without: %.2f; %d and %d answers", ratio, len(with), len(without))
	if ratio < 0.4 { // a server that waits is at 0
		t.Errorf("stalled readers slow the others: to %.2f of their speed", ratio)
	}
	f.grewAtMost(before, 64)
}

// flood sends on all connections, without reading, until nothing more goes in
// and the server has dealt with all that it can.
func flood(f *flowrun, conns ...*wire.Conn) {
	f.t.Helper()
	line := append(bytes.Repeat([]byte("7"), 8000), '\n')
	frame := wire.AppendFrame(nil, wire.Fin|wire.Text, line)
	rest := make([][]byte, len(conns)) // of a frame that went in only in part
	for more := true; more; f.rests() {
		var (
			wg    sync.WaitGroup
			wrote atomic.Int64
		)
		for i, c := range conns {
			wg.Go(func() {
				for {
					if len(rest[i]) == 0 {
						rest[i] = frame
					}
					_ = c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
					n, err := c.Write(rest[i])
					rest[i] = rest[i][n:]
					wrote.Add(int64(n))
					if err != nil {
						return
					}
				}
			})
		}
		wg.Wait()
		more = wrote.Load() > 0
	}
}

// rests waits until the process has nothing to do.
func (f *flowrun) rests() {
	f.t.Helper()
	switch err := f.Rests(withPatience(f.t)); {
	case errors.Is(err, errors.ErrUnsupported):
		f.t.Skipf("skipped: %v", err)
	case err != nil:
		f.t.Fatal(err)
	}
}
