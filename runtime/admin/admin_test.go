package admin

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/admin/metrics"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told counts what a process was told to do.
type told struct{ reloads, drains, pauses atomic.Int64 }

func (d *told) options(tokens ...setting.Secret) Options {
	return Options{
		Settings:    flowfile.Admin{Address: "127.0.0.1:0", Tokens: tokens},
		Health:      func() status.Health { return status.Health{Phase: status.Running, Ready: true} },
		Flows:       func() []status.Flow { return []status.Flow{{Name: "flow", Path: "flow.hcl"}} },
		Pause:       func(string, string) error { d.pauses.Add(1); return nil },
		Resume:      func(string, string) error { d.pauses.Add(1); return nil },
		Config:      func() []ConfigFile { return []ConfigFile{{"flow.hcl", ""}} },
		Connections: func() iter.Seq[link.Info] { return func(func(link.Info) bool) {} },
		Connection:  func(string) (*link.Link, error) { return nil, link.ErrUnknown },
		Metrics: metrics.Handler(metrics.New(metrics.Options{
			Counts:  func() status.Counts { return status.Counts{} },
			Spans:   func() metrics.Spans { return metrics.Spans{} },
			Reloads: func() metrics.Reloads { return metrics.Reloads{} },
		})),
		Reload: func(context.Context) (Reloaded, error) {
			d.reloads.Add(1)
			return Reloaded{}, errors.New("no")
		},
		Drain: func() { d.drains.Add(1) },
		Log:   zap.NewNop(),
	}
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := New(o)
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestHostsThatAreOurs(t *testing.T) {
	g, err := newGuard(flowfile.Admin{Address: "Admin.example:8686"})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:8686": true, "10.1.2.3:80": true, "[::1]": true, "[::1]:8686": true,
		"localhost": true, "LOCALHOST:1": true, "admin.example": true, "ADMIN.example:8686": true,
		"": false, ":8686": false, "evil.example": false, "localhost.evil.example:8686": false, "127.0.0.1.evil.example": false,
		"admin.example.evil.example": false, "evil.example:127.0.0.1": false, "0x7f000001": false, "localhost.": false,
	} {
		if g.knows(host) != want {
			t.Errorf("%q is ours: %v", host, !want)
		}
	}
}

func TestWithoutTokensOnlyThisMachine(t *testing.T) {
	for address, ok := range map[string]bool{
		"127.0.0.1:0": true, "127.9.9.9:0": true, "[::1]:0": true, "localhost:0": true,
		":0": false, "0.0.0.0:0": false, "[::]:0": false, "192.0.2.1:0": false, "127.0.0.1": false, "127.0.0.1:": false, "": false,
	} {
		o := new(told).options()
		o.Settings.Address = address
		if _, err := New(o); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	o := new(told).options(setting.SecretOf("secret"))
	o.Settings.Address = "0.0.0.0:0"
	if _, err := New(o); err != nil {
		t.Error(err)
	}
}

// TestHeldConnectionsKeepNobodyOut holds more connections than there may be, in
// different ways: the oldest that nothing is answered on have to go.
func TestHeldConnectionsKeepNobodyOut(t *testing.T) {
	s := start(t, new(told).options())
	var held []net.Conn
	defer func() {
		for _, c := range held {
			c.Close()
		}
	}()
	for i := range maxWaiting + 50 {
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
		if i%2 == 0 {
			fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: ") // and no more
		}
	}
	for range 3 {
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
		fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
		if line, err := bufio.NewReader(c).ReadString('\n'); !strings.Contains(line, "200") {
			t.Fatalf("a probe is answered %q, %v", line, err)
		}
	}
	if n := s.crowd.size(); n > maxWaiting {
		t.Errorf("there are %d connections", n)
	}
	if _, err := held[0].Read(make([]byte, 1)); err == nil {
		t.Error("the first is answered")
	}
	for _, c := range held {
		c.Close()
	}
	for tick := time.NewTicker(time.Millisecond); s.crowd.size() > 0; {
		<-tick.C
	}
}

// TestProbesDoNotWaitForBodies has probes announce bodies that never come.
func TestProbesDoNotWaitForBodies(t *testing.T) {
	s := start(t, new(told).options())
	for range maxProbes + 10 {
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n")
		if line, err := bufio.NewReader(c).ReadString('\n'); !strings.Contains(line, "200") {
			t.Fatalf("answered %q, %v", line, err)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	var d told
	s := start(t, d.options(setting.SecretOf("secret")))
	for _, body := range []io.Reader{
		bytes.NewReader(make([]byte, maxBody+1)),
		io.LimitReader(zeros{}, maxBody+1), // in chunks
	} {
		r, err := http.NewRequest(http.MethodPost, "http://"+s.Addr()+"/api/v1/reload", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "secret")
		answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %s", answer.Status)
		}
	}
	if d.reloads.Load() > 0 {
		t.Error("it has reloaded")
	}
}

// TestStreamsTakeNoBody: behind one that has not been read, nobody hears that the
// client has gone.
func TestStreamsTakeNoBody(t *testing.T) {
	s := start(t, new(told).options(setting.SecretOf("secret")))
	for _, path := range []string{"events", "logs/stream", "ws", "tap/connect.echo", "connectors/edge/events"} {
		r, err := http.NewRequest(http.MethodGet, "http://"+s.Addr()+"/api/v1/"+path, io.LimitReader(zeros{}, 100))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "secret")
		answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// FuzzRequests shows whatever it is sent that nothing is changed, and nothing told
// beyond the probes, without the token.
func FuzzRequests(f *testing.F) {
	for _, request := range []string{
		"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
		"GET /api/v1/status?token=guess HTTP/1.1\r\nHost: evil\r\nOrigin: http://evil\r\n\r\n",
		"POST /api/v1/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer guess\r\nContent-Length: 2\r\n\r\n{}",
		"POST /api/v1/../v1/drain HTTP/1.1\r\nHost: [::1]:1\r\nX-Forwarded-For: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"POST http://127.0.0.1/api/v1/drain HTTP/1.0\r\nX-HTTP-Method-Override: GET\r\n\r\n",
	} {
		f.Add([]byte(request))
	}
	const token = "kept to ourselves"
	var d told
	s, err := New(d.options(setting.SecretOf(token)))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
		if err != nil {
			return
		}
		r.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, r)
		if d.reloads.Load()+d.drains.Load()+d.pauses.Load() > 0 {
			t.Fatal("it does what a stranger tells it")
		}
		if w.Code < 300 && r.URL.Path != "/healthz" && r.URL.Path != "/readyz" {
			t.Errorf("%s %s: %d", r.Method, r.URL, w.Code)
		}
		if strings.Contains(w.Body.String(), token) {
			t.Error("it tells the token")
		}
	})
}
