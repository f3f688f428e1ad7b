package client

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

// behind2 starts a server that speaks HTTP/2, and counts its connections.
func behind2(t *testing.T, handler http.HandlerFunc) (s *httptest.Server, connections *atomic.Int64) {
	t.Helper()
	connections = new(atomic.Int64)
	s = httptest.NewUnstartedServer(handler)
	s.EnableHTTP2 = true
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, connections
}

func trusting(c *Config) { c.TLS = &setting.TLSClient{Insecure: true} }

// Requests of HTTP/2 share a connection, and are bounded all the same.
func TestHTTP2(t *testing.T) {
	const concurrency = 8
	var now, most atomic.Int64
	s, connections := behind2(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%q", r.Proto+" "+string(body))
	})
	a := startClient(t, s.URL, func(c *Config) { trusting(c); c.Concurrency = concurrency })
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			batch := make([]flow.Event, 10)
			for i := range batch {
				batch[i] = text(fmt.Sprint(i))
			}
			if err := a.send(batch...); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	answers := flowtest.Payloads(t, a.host.Out.Events())
	if len(answers) != 200 {
		t.Fatalf("%d answers", len(answers))
	}
	if first := answers[0].Text(); !strings.HasPrefix(first, "HTTP/2.0 ") {
		t.Errorf("the first answer is %q", first)
	}
	if most.Load() > concurrency {
		t.Errorf("%d requests at a time", most.Load())
	}
	if n := connections.Load(); n > concurrency {
		t.Errorf("%d connections", n)
	}
}

// A connection whose other side has gone without a word is found out, and what was
// asked by it is asked by another.
func TestHTTP2SilentConnection(t *testing.T) {
	s, _ := behind2(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})
	p := silenced(t, s.Listener.Addr().String())
	a := startClient(t, "https://"+p.l.Addr().String(), func(c *Config) {
		trusting(c)
		c.Socket.Keepalive, c.ConnectTimeout = setting.Duration(200*time.Millisecond), setting.Duration(2*time.Second)
		c.Timeout = setting.Duration(time.Hour)
	})
	if err := a.send(text("first")); err != nil {
		t.Fatal(err)
	}
	p.silence()
	if err := a.send(text("second")); err != nil {
		t.Error(err)
	}
	if problems := a.problems(); len(problems) > 0 {
		t.Error(problems)
	}
}

// A connection that breaks takes many requests with it, all of which are made again.
func TestHTTP2BrokenConnection(t *testing.T) {
	var served atomic.Int64
	var s *httptest.Server
	s, _ = behind2(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if served.Add(1)%100 == 50 {
			go s.CloseClientConnections()
			<-r.Context().Done()
		}
		_, _ = w.Write(body)
	})
	a := startClient(t, s.URL, trusting)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for i := range 20 {
				if err := a.send(text(fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if problems := a.problems(); len(problems) > 0 || len(a.host.Out.Events()) != 400 {
		t.Errorf("%d answers, problems %v", len(a.host.Out.Events()), problems)
	}
	if served.Load() <= 400 {
		t.Error("no connection broke")
	}
}

// relay passes bytes on, until it is silent: then those who are connected hear nothing.
type relay struct {
	l  net.Listener
	mu sync.Mutex
	on []net.Conn // towards the server
}

func silenced(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &relay{l: l}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = from.Close() })
			up, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			p.mu.Lock()
			p.on = append(p.on, up)
			p.mu.Unlock()
			go func() { _, _ = io.Copy(up, from); _, _ = io.Copy(io.Discard, from) }()
			go func() { _, _ = io.Copy(from, up) }()
		}
	}()
	return p
}

func (p *relay) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.on {
		_ = c.Close()
	}
	p.on = nil
}
