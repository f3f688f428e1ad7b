package acceptance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/tests/wire"
)

// mirror is the upstream of the proxy flows: it sends back what it is sent,
// and watches that a connection of its own carries one client's requests only.
type mirror struct {
	*upstream
	open atomic.Int64
	all  atomic.Int64
	own  bool // each client is to have its own connection
}

func newMirror(t *testing.T, own bool) *mirror {
	m := &mirror{upstream: &upstream{t: t, addr: flowtest.FreeAddress(t)}, own: own}
	m.serve = m.reflect
	m.start()
	t.Cleanup(func() { m.kill(false) })
	return m
}

func (m *mirror) reflect(ctx context.Context, c *websocket.Conn) {
	m.all.Add(1)
	m.open.Add(1)
	defer m.open.Add(-1)
	client := ""
	for {
		kind, message, err := c.Read(ctx)
		if err != nil {
			return
		}
		if from, _, _ := strings.Cut(string(message), ","); client == "" {
			client = from
		} else if m.own && from != client {
			m.t.Errorf("one connection upstream carries messages of %s and %s", client, from)
		}
		if c.Write(ctx, kind, message) != nil {
			return
		}
	}
}

// request is message n of a client.
func request(client, n int) string {
	return fmt.Sprintf(`{"client":%d,"n":%d,"text":"%s"}`, client, n, strings.Repeat("é", (client+n)%50))
}

func startRelay(t *testing.T, flow, upstream string) (f *flowrun, addr string) {
	t.Helper()
	f = start(t, "", example(t, flow), "--var", "url=127.0.0.1:0", "--var", "upstream=ws://"+upstream)
	return f, f.address("clients")
}

// Each of a hundred clients gets the answers to its own requests, in order,
// over one connection upstream or over one for each.
func TestRelay(t *testing.T) {
	const clients, requests, inFlight = 100, 100, 8
	for _, c := range []struct {
		flow string
		own  bool
	}{{"proxy.hcl", false}, {"proxy_per.hcl", true}} {
		t.Run(c.flow, func(t *testing.T) {
			m := newMirror(t, c.own)
			_, addr := startRelay(t, c.flow, m.addr)
			if !c.own { // what is sent before the one connection is open would fail
				await(t, "the connection upstream is open", func() bool { return m.open.Load() == 1 })
			}
			each(t, clients, clients, func(i int) error {
				conn, err := dial(addr, nil)
				if err != nil {
					return err
				}
				defer conn.Close()
				sent := 0
				for n := range requests {
					for ; sent < min(n+inFlight, requests); sent++ {
						if err := conn.Send(wire.Fin|wire.Text, []byte(request(i, sent))); err != nil {
							return err
						}
					}
					if err := expect(conn, request(i, n)); err != nil {
						return fmt.Errorf("client %d, request %d: %w", i, n, err)
					}
				}
				return leaves(conn)
			})
			if all := m.all.Load(); c.own && all != clients || !c.own && all != 1 {
				t.Errorf("%d connections were opened upstream for %d clients", all, clients)
			}
			if c.own {
				await(t, "the connections upstream have ended with their clients", func() bool { return m.open.Load() == 0 })
			}
		})
	}
}

// A connection upstream for each client is one of a limited number. When the
// server closes one, the client's next request opens another.
func TestRelayConnections(t *testing.T) {
	m := newMirror(t, true)
	flow := strings.Replace(example(t, "proxy_per.hcl"), "= 1000", "= 2", 1)
	flow = strings.Replace(flow, `connector "log" "problems" {
  level = "warn"
}`, `connector "file" "problems" {
  path           = "problems.ndjson"
  mode           = "truncate"
  codec          = "json"
  postprocessors = ["separate"]
}`, 1)
	f := start(t, "", flow, "--var", "url=127.0.0.1:0", "--var", "upstream=ws://"+m.addr)
	addr := f.address("clients")
	one, two, three := mustDial(t, addr), mustDial(t, addr), mustDial(t, addr)
	for i, c := range []*wire.Conn{one, two} {
		if err := echoes(c, request(i, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := three.Send(wire.Fin|wire.Text, []byte(request(2, 0))); err != nil {
		t.Fatal(err)
	}
	if p := f.problems(1)[0]; p.Event != request(2, 0) || p.Error.Component != "connector.upstream" || p.Raw != nil {
		t.Errorf("the problem is told as %+v", p)
	}
	if err := leaves(one); err != nil {
		t.Fatal(err)
	}
	await(t, "a connection upstream has ended", func() bool { return m.open.Load() == 1 })
	served := &impatient{Conn: three, number: 2, sent: 1}
	await(t, "the third client is served", func() bool {
		ok, err := served.ask(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	})
	m.kill(false)
	m.start()
	again := &impatient{Conn: two, number: 1, sent: 1}
	await(t, "the second client is served again", func() bool {
		ok, err := again.ask(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	})
}

// impatient is a client that gives up a request after a while, and accepts its
// own answers only.
type impatient struct {
	*wire.Conn
	number, sent int
}

// ask sends a request and says whether it was answered in time. An answer that
// comes later than that is passed over; a wrong one is an error.
func (c *impatient) ask(patience time.Duration) (answered bool, err error) {
	n := c.sent
	c.sent++
	if err := c.Send(wire.Fin|wire.Text, []byte(request(c.number, n))); err != nil {
		return false, err
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	for {
		m, err := c.Next()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return false, nil
		case err != nil:
			return false, err
		case m.Opcode == wire.Ping:
			continue
		case m.Opcode != wire.Text:
			return false, fmt.Errorf("client %d got opcode %d, %.100q", c.number, m.Opcode, m.Payload)
		}
		late := n
		for late >= 0 && string(m.Payload) != request(c.number, late) {
			late--
		}
		if late < 0 {
			return false, fmt.Errorf("client %d asked for %d and got %.100q", c.number, n, m.Payload)
		}
		if late == n {
			return true, nil
		}
	}
}

// The server behind is killed while requests are on their way, comes back, is
// killed again, while clients vanish too: requests are lost, but no answer
// reaches another client, and at the end everybody is served.
func TestRelaySurvivesItsUpstream(t *testing.T) {
	for _, flow := range []string{"proxy.hcl", "proxy_per.hcl"} {
		t.Run(flow, func(t *testing.T) {
			t.Parallel()
			const clients = 30
			behind := func(addr string) *flowrun {
				f := start(t, "", fmt.Sprintf(`
connector "ws_server" "mirror" {
  url   = %q
  codec = "string"
}

connect "reflect" {
  from = connector.mirror
  to   = connector.mirror
}
`, addr))
				f.address("mirror")
				return f
			}
			up := flowtest.FreeAddress(t)
			server := behind(up)
			f, addr := startRelay(t, flow, up)
			var answers atomic.Int64
			var calm atomic.Bool // nothing is killed any more
			var all sync.WaitGroup
			for i := range clients {
				all.Go(func() {
					if err := persist(addr, i, &answers, &calm); err != nil {
						t.Error(err)
					}
				})
			}
			for range 4 {
				before := answers.Load()
				await(t, "requests are answered", func() bool { return answers.Load() > before+2*clients || t.Failed() })
				server.Kill()
				server = behind(up)
			}
			calm.Store(true)
			all.Wait()
			if !strings.Contains(f.Stderr.String(), "level") {
				t.Error("it says nothing of the losses")
			}
		})
	}
}

// persist is a client that asks again and again, vanishing now and then and
// coming back, until it has been answered ten times in a row in calm times.
func persist(addr string, number int, answers *atomic.Int64, calm *atomic.Bool) error {
	r := rand.New(rand.NewPCG(6, uint64(number)))
	giveUp, wait := time.Now().Add(2*patience), 300*time.Millisecond
	for row := 0; row < 10; {
		if time.Now().After(giveUp) {
			return fmt.Errorf("client %d is not served again", number)
		}
		w, err := dial(addr, nil)
		if err != nil {
			return err
		}
		c := &impatient{Conn: w, number: number}
		for stay := 5 + r.IntN(20); stay > 0 && row < 10; stay-- {
			answered, err := c.ask(wait)
			if err != nil {
				return err
			}
			switch {
			case !answered:
				row = 0
				wait = min(2*wait, 10*time.Second) // the machine may be slow
			case calm.Load():
				row++
				answers.Add(1)
			default:
				answers.Add(1)
			}
		}
		if r.IntN(2) == 0 {
			_ = c.Conn.Conn.(*net.TCPConn).SetLinger(0)
		}
		_ = c.Send(wire.Fin|wire.Text, []byte(request(number, c.sent))) // and does not wait for the answer
		_ = c.Close()
	}
	return nil
}
