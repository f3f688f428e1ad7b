package ws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/status"
	"go.uber.org/zap"
)

// field is the expression peer.<name>.
type field string

func (f field) Eval(e *flow.Event, _ ...flow.Value) (flow.Value, error) {
	return e.Origin.PeerField(string(f)), nil
}
func (field) Test(*flow.Event, ...flow.Value) (bool, error) { return false, errors.New("not a bool") }
func (field) At() string                                    { return "flow.hcl:1" }

// collector is a connector that keeps what it is sent.
type collector struct {
	mu  sync.Mutex
	got []string
}

func (c *collector) Shape() flow.Shape            { return flow.Shape{Role: flow.Target, In: true} }
func (c *collector) New() (flow.Connector, error) { return c, nil }
func (c *collector) Flush(context.Context) error  { return nil }

func (c *collector) Run(ctx context.Context, host flow.Host) error {
	l, err := host.Open(flow.Peer{}, c)
	if err != nil {
		return err
	}
	<-ctx.Done()
	l.Close(context.Background(), nil)
	return nil
}

func (c *collector) Write(_ context.Context, frames []flow.Frame, _ bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range frames {
		c.got = append(c.got, string(f.Data))
	}
	return nil
}

func (c *collector) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got
}

// errorText is a codec for err events: their message.
type errorText struct{ flow.Codec }

func (errorText) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	what, _ := v.Object().Get("error")
	message, _ := what.Object().Get("message")
	return append(dst, message.Text()...), nil
}

// behind is a server that proxies connect to: it echoes.
type behind struct {
	*httptest.Server
	addr string
	mu   sync.Mutex
	now  map[*websocket.Conn]bool
	ever int
}

func startBehind(t *testing.T) *behind {
	t.Helper()
	b := &behind{addr: flowtest.FreeAddress(t), now: map[*websocket.Conn]bool{}}
	b.listen(t)
	t.Cleanup(func() { b.die() })
	return b
}

func (b *behind) listen(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	b.Server = &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(b.serve)}} //nolint:gosec // a test
	b.Start()
}

func (b *behind) serve(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	b.mu.Lock()
	b.now[c] = true
	b.ever++
	b.mu.Unlock()
	echo(c, r)
	b.mu.Lock()
	delete(b.now, c)
	b.mu.Unlock()
}

func (b *behind) counts() (now, ever int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.now), b.ever
}

// die cuts all connections off and listens no more.
func (b *behind) die() {
	b.mu.Lock()
	for c := range b.now {
		_ = c.CloseNow()
	}
	b.mu.Unlock()
	b.Close()
}

// proxy is a running flow: ws_server -> ws_client { per } -> back.
type proxy struct {
	t    *testing.T
	url  string
	errs *collector
	stop func()
}

func startProxy(t *testing.T, b *behind, edit func(*ClientConfig, *flowfile.Common)) *proxy {
	t.Helper()
	server := serverConfig(t)
	client := Specs[1].Config().(*ClientConfig)
	if err := client.URL.UnmarshalText([]byte(b.addr)); err != nil {
		t.Fatal(err)
	}
	client.Per, client.CloseTimeout, client.ConnectTimeout = field("id"), setting.Duration(patience), setting.Duration(patience)
	common := flowfile.DefaultCommon()
	common.Reconnect.Interval = setting.Duration(10 * time.Millisecond)
	common.Reconnect.MaxInterval = setting.Duration(50 * time.Millisecond)
	if edit != nil {
		edit(client, &common)
	}
	for _, config := range []flow.ConnectorConfig{server, client} {
		if _, err := config.New(); err != nil {
			t.Fatal(err)
		}
	}
	p := &proxy{t: t, url: "ws://" + server.URL.Addr(), errs: &collector{}}
	ref := func(name, port string) []flowfile.PortRef {
		return []flowfile.PortRef{{Kind: "connector", Name: name, Port: port}}
	}
	file := &flowfile.File{
		Name:  "proxy",
		Drain: flowfile.DefaultDrain(),
		Connectors: []*flowfile.ConnectorBlock{
			{Type: "ws_server", Name: "edge", Config: server, Codec: flowtest.Text, Common: flowfile.DefaultCommon()},
			{Type: "ws_client", Name: "up", Config: client, Codec: flowtest.Text, Common: common},
			{Type: "test", Name: "errs", Config: p.errs, Common: flowfile.DefaultCommon(), Codec: flow.CodecUse{Type: "errors", New: func() flow.Codec { return errorText{} }}},
		},
		Connects: []*flowfile.ConnectBlock{
			{Name: "there", From: ref("edge", "out"), To: ref("up", "in")},
			{Name: "back", From: ref("up", "out"), To: ref("edge", "in")},
			{Name: "errors", From: append(ref("up", "err"), ref("edge", "err")...), To: ref("errs", "in")},
		},
	}
	ready := make(chan struct{})
	e, err := engine.New(engine.Options{Files: []*flowfile.File{file}, Log: zap.NewNop(), Ready: func([]status.Listener) { close(ready) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if code, err := e.Run(ctx); code != 0 || err != nil {
			t.Errorf("the flow ended with %d, %v", code, err)
		}
	}()
	p.stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(func() {
		p.stop()
		http.DefaultClient.CloseIdleConnections()
	})
	<-ready
	return p
}

func (p *proxy) dial() *websocket.Conn {
	p.t.Helper()
	c, _, err := websocket.Dial(p.t.Context(), p.url, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

func ask(ctx context.Context, c *websocket.Conn, message string) error {
	if err := c.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
		return err
	}
	_, got, err := c.Read(ctx)
	if err == nil && string(got) != message {
		err = fmt.Errorf("asked %q, was answered %q", message, got)
	}
	return err
}

// A hundred clients, half of which leave and come again: each is answered, by a
// connection of its own that ends with it.
func TestPerConnectsEachClient(t *testing.T) {
	b := startBehind(t)
	p := startProxy(t, b, nil)
	var wg sync.WaitGroup
	hold := make(chan struct{})
	var waiting sync.WaitGroup
	for i := range 100 {
		visits := 1 + i%2
		waiting.Add(1)
		wg.Go(func() {
			for visit := range visits {
				c, _, err := websocket.Dial(t.Context(), p.url, nil)
				if err != nil {
					t.Error(err)
					break
				}
				for n := range 10 {
					if err := ask(t.Context(), c, fmt.Sprintf("client %d, visit %d, message %d", i, visit, n)); err != nil {
						t.Error(err)
					}
				}
				if visit == visits-1 {
					waiting.Done()
					<-hold
				}
				_ = c.Close(websocket.StatusNormalClosure, "")
			}
		})
	}
	waiting.Wait()
	flowtest.Until(t, "the connections of those who left are closed", func() bool { now, _ := b.counts(); return now == 100 })
	if _, ever := b.counts(); ever != 150 {
		t.Errorf("%d connections for 150 visits", ever)
	}
	close(hold)
	wg.Wait()
	flowtest.Until(t, "no connection outlives its client", func() bool { now, _ := b.counts(); return now == 0 })
	if got := p.errs.all(); len(got) > 0 {
		t.Errorf("problems: %q", got)
	}
}

func TestPerOutlivesTheServerBehind(t *testing.T) {
	b := startBehind(t)
	p := startProxy(t, b, nil)
	clients := make([]*websocket.Conn, 10)
	for i := range clients {
		clients[i] = p.dial()
		if err := ask(t.Context(), clients[i], fmt.Sprint("before ", i)); err != nil {
			t.Fatal(err)
		}
	}
	b.die()
	b.listen(t)
	// What the sockets had taken when they broke is lost, so all ask again
	// until they are answered.
	var wg sync.WaitGroup
	for i, c := range clients {
		question := fmt.Sprint("after ", i)
		answer := make(chan string)
		wg.Go(func() {
			_, got, err := c.Read(t.Context())
			if err != nil {
				t.Error(err)
			}
			answer <- string(got)
		})
		flowtest.Until(t, "a client is answered again", func() bool {
			if err := c.Write(t.Context(), websocket.MessageText, []byte(question)); err != nil {
				t.Fatal(err)
			}
			select {
			case got := <-answer:
				if got != question {
					t.Errorf("asked %q, was answered %q", question, got)
				}
				return true
			default:
				return false
			}
		})
	}
	wg.Wait()
}

func TestPerRefusesOneTooMany(t *testing.T) {
	b := startBehind(t)
	p := startProxy(t, b, func(c *ClientConfig, _ *flowfile.Common) { c.MaxPer = 2 })
	for i := range 2 {
		if err := ask(t.Context(), p.dial(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	third := p.dial()
	if err := third.Write(t.Context(), websocket.MessageText, []byte("3")); err != nil {
		t.Fatal(err)
	}
	flowtest.Until(t, "one is refused", func() bool { return len(p.errs.all()) == 1 })
	if got := p.errs.all()[0]; !strings.Contains(got, "connector.up") || !strings.Contains(got, "max_connections") {
		t.Errorf("refused with %q", got)
	}
}

func TestPerClosesWhatIsIdle(t *testing.T) {
	b := startBehind(t)
	p := startProxy(t, b, func(c *ClientConfig, _ *flowfile.Common) { c.Idle = setting.Duration(50 * time.Millisecond) })
	c := p.dial()
	for range 2 {
		if err := ask(t.Context(), c, "hello"); err != nil {
			t.Fatal(err)
		}
		flowtest.Until(t, "idle connections are closed", func() bool { now, _ := b.counts(); return now == 0 })
	}
	if _, ever := b.counts(); ever != 2 {
		t.Errorf("%d connections, want 2", ever)
	}
}

func TestPerRefusesANullKey(t *testing.T) {
	b := startBehind(t)
	p := startProxy(t, b, func(c *ClientConfig, _ *flowfile.Common) { c.Per = field("subprotocol") })
	if err := p.dial().Write(t.Context(), websocket.MessageText, []byte("x")); err != nil {
		t.Fatal(err)
	}
	flowtest.Until(t, "one is refused", func() bool { return len(p.errs.all()) == 1 })
	if got := p.errs.all()[0]; !strings.Contains(got, "null") {
		t.Errorf("refused with %q", got)
	}
}

// A client that leaves at once: what it has said arrives all the same.
func TestPerDeliversWhatALeaverHasSaid(t *testing.T) {
	got := make(chan string, 100)
	s := upstream(t, func(c *websocket.Conn, _ *http.Request) {
		for {
			_, data, err := c.Read(context.Background())
			if err != nil {
				return
			}
			got <- string(data)
		}
	})
	b := &behind{addr: strings.TrimPrefix(s.URL, "http://")}
	p := startProxy(t, b, nil)
	for i := range 20 {
		c := p.dial()
		if err := c.Write(t.Context(), websocket.MessageText, []byte(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		_ = c.CloseNow()
	}
	seen := map[string]bool{}
	for range 20 {
		select {
		case m := <-got:
			seen[m] = true
		case <-time.After(patience):
			t.Fatalf("only %d of 20 arrived", len(seen))
		}
	}
	if len(seen) != 20 {
		t.Errorf("arrived: %v", seen)
	}
}

func TestPerGivesUpOnOneConnectionOnly(t *testing.T) {
	b := startBehind(t)
	b.die()
	p := startProxy(t, b, func(_ *ClientConfig, common *flowfile.Common) { common.Reconnect.MaxRetries = 2 })
	c := p.dial()
	if err := c.Write(t.Context(), websocket.MessageText, []byte("lost")); err != nil {
		t.Fatal(err)
	}
	b.listen(t)
	// The first message is lost, or answered if the server was back in time.
	flowtest.Until(t, "the key is tried again", func() bool {
		if err := c.Write(t.Context(), websocket.MessageText, []byte("again")); err != nil {
			t.Fatal(err)
		}
		_, ever := b.counts()
		return ever > 0
	})
	if _, _, err := c.Read(t.Context()); err != nil {
		t.Error(err)
	}
}
