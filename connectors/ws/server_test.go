package ws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/tests/wire"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if what := os.Getenv(readersEnv); what != "" {
		readers(what)
		return
	}
	goleak.VerifyTestMain(m)
}

// fixture is a running ws_server.
type fixture struct {
	t    testing.TB
	host *flowtest.Host
	url  string
	addr string
	end  context.CancelFunc // asks for a graceful end
	done chan error         // what Run returned
}

// patience bounds what takes no time when all is well: a busy machine may take long
// for anything.
const patience = time.Minute

func serverConfig(t testing.TB) *ServerConfig {
	c := Specs[0].Config().(*ServerConfig)
	c.CloseTimeout, c.ConnectTimeout = setting.Duration(patience), setting.Duration(patience)
	if err := c.URL.UnmarshalText([]byte(flowtest.FreeAddress(t))); err != nil {
		t.Fatal(err)
	}
	return c
}

// start runs a ws_server whose `out` leads to its own `in`.
func start(t testing.TB, edit func(*ServerConfig)) *fixture {
	t.Helper()
	return startWith(t, flowtest.Options{}, edit)
}

func startWith(t testing.TB, o flowtest.Options, edit func(*ServerConfig)) *fixture {
	t.Helper()
	config := serverConfig(t)
	if edit != nil {
		edit(config)
	}
	connector, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	o.Shape, o.Component = config.Shape(), &flow.Component{Boot: "node.1", Flow: "test", Kind: "connector", Type: "ws_server", Name: "edge"}
	host := flowtest.NewHost(t, o)
	host.Table.Out().Connect(host.Table.In(flow.Reply, false))
	s := connector.(*server)
	if err := s.Prepare(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	f := &fixture{t: t, host: host, addr: config.URL.Addr(), end: end, done: make(chan error, 1)}
	f.url = "ws://" + f.addr
	go func() {
		f.done <- s.Run(ctx, host)
		s.Release()
	}()
	t.Cleanup(func() {
		end()
		f.wait()
		http.DefaultClient.CloseIdleConnections()
	})
	return f
}

func (f *fixture) wait() {
	f.t.Helper()
	select {
	case err := <-f.done:
		f.done <- err
		if err != nil {
			f.t.Errorf("Run: %v", err)
		}
	case <-time.After(patience):
		f.t.Fatal("the server does not end")
	}
}

func (f *fixture) dial() *websocket.Conn {
	f.t.Helper()
	c, _, err := websocket.Dial(f.t.Context(), f.url, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	c.SetReadLimit(-1)
	f.t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// rawDial is a client that writes its own frames, the first ones together with
// its handshake.
func (f *fixture) rawDial(first ...byte) net.Conn {
	f.t.Helper()
	nc, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(nc, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n%s", f.addr, first)
	head := make([]byte, 0, 1024)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		var b [1]byte
		if _, err := io.ReadFull(nc, b[:]); err != nil {
			f.t.Fatalf("handshake: %v after %q", err, head)
		}
		head = append(head, b[0])
	}
	return nc
}

func write(t testing.TB, c *websocket.Conn, kind websocket.MessageType, data string) {
	t.Helper()
	if err := c.Write(t.Context(), kind, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, c *websocket.Conn, kind websocket.MessageType, data string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	gotKind, got, err := c.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if gotKind != kind || string(got) != data {
		t.Fatalf("got %v %.100q, want %v %.100q", gotKind, got, kind, data)
	}
}

// expectClose reads until the connection ends, which must be with code.
func expectClose(t testing.TB, c *websocket.Conn, code websocket.StatusCode) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		_, _, err := c.Read(ctx)
		if err == nil {
			continue
		}
		if got := websocket.CloseStatus(err); got != code {
			t.Fatalf("closed with %v (%v), want %v", got, err, code)
		}
		return
	}
}

func TestEchoesTextAndBinary(t *testing.T) {
	f := start(t, nil)
	c := f.dial()
	for _, size := range []int{0, 1, 125, 126, 127, 1000, 65535, 65536, 100_000, 900_000} {
		data := strings.Repeat("x", size)
		write(t, c, websocket.MessageText, data)
		expect(t, c, websocket.MessageText, data)
		write(t, c, websocket.MessageBinary, data)
		expect(t, c, websocket.MessageBinary, data)
	}
}

func TestEchoesFragmentsInOrder(t *testing.T) {
	f := start(t, nil)
	c := f.dial()
	for i := range 20 {
		write(t, c, websocket.MessageText, fmt.Sprint("before ", i))
		w, err := c.Writer(t.Context(), websocket.MessageText)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			fmt.Fprint(w, "part ")
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		write(t, c, websocket.MessageText, fmt.Sprint("after ", i))
	}
	for i := range 20 {
		expect(t, c, websocket.MessageText, fmt.Sprint("before ", i))
		expect(t, c, websocket.MessageText, "part part part part part ")
		expect(t, c, websocket.MessageText, fmt.Sprint("after ", i))
	}
}

func TestMessagesMayComeWithTheHandshake(t *testing.T) {
	f := start(t, nil)
	nc := f.rawDial(wire.AppendFrame(wire.AppendFrame(nil, wire.Fin|wire.Text, []byte("first")), wire.Fin|wire.Binary, []byte("second"))...)
	want := plain(plain(nil, wire.Text, []byte("first")), wire.Binary, []byte("second"))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(nc, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAnswersPing(t *testing.T) {
	f := start(t, nil)
	pongs := make(chan string, 1)
	c, _, err := websocket.Dial(t.Context(), f.url, &websocket.DialOptions{
		OnPongReceived: func(_ context.Context, payload []byte) { pongs <- string(payload) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	ctx := c.CloseRead(t.Context())
	if err := c.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	if got := <-pongs; got == "" {
		t.Error("the pong has no payload")
	}
}

func TestAnswersCloseWithItsCode(t *testing.T) {
	f := start(t, nil)
	for _, code := range []websocket.StatusCode{1000, 1001, 3001, 4999} {
		c := f.dial()
		write(t, c, websocket.MessageText, "hello")
		expect(t, c, websocket.MessageText, "hello")
		if err := c.Close(code, "bye"); err != nil {
			t.Errorf("close %d: %v", code, err)
		}
	}
}

func TestRefusesBadMessages(t *testing.T) {
	for _, tt := range []struct {
		name string
		send []byte
		code websocket.StatusCode
	}{
		{"oversize", wire.AppendFrame(nil, wire.Fin|wire.Binary, make([]byte, 2000)), 1009},
		{"oversize fragments", append(wire.AppendFrame(nil, wire.Binary, make([]byte, 800)), wire.AppendFrame(nil, wire.Fin, make([]byte, 800))...), 1009},
		{"not UTF-8", wire.AppendFrame(nil, wire.Fin|wire.Text, []byte{0xff}), 1007},
		{"not UTF-8 in fragments", append(wire.AppendFrame(nil, wire.Text, []byte{0xff}), wire.AppendFrame(nil, wire.Fin, nil)...), 1007},
		{"unmasked", []byte{wire.Fin | wire.Text, 1, 'x'}, 1002},
		{"reserved bit", wire.AppendFrame(nil, wire.Fin|0x10|wire.Text, nil), 1002},
		{"unknown opcode", wire.AppendFrame(nil, wire.Fin|3, nil), 1002},
		{"long ping", wire.AppendFrame(nil, wire.Fin|9, make([]byte, 126)), 1002},
		{"continuation of nothing", wire.AppendFrame(nil, wire.Fin, nil), 1002},
		{"64-bit length", []byte{wire.Fin | wire.Text, 0x80 | 127, 0xff, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4}, 1002},
		{"endless fragments", append(wire.AppendFrame(nil, wire.Text, nil), bytes.Repeat(wire.AppendFrame(nil, 0, nil), 60)...), 1008},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := start(t, func(c *ServerConfig) { c.MaxMessage, c.MaxFragments = 1000, 50 })
			other := f.dial()
			nc := f.rawDial()
			send := append(wire.AppendFrame(nil, wire.Fin|wire.Text, []byte("good")), tt.send...)
			if _, err := nc.Write(send); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(nc)
			if err != nil {
				t.Fatal(err)
			}
			want := plain(nil, wire.Text, []byte("good"))
			rest, ok := bytes.CutPrefix(got, want)
			if !ok || len(rest) < 4 || rest[0] != wire.Fin|wire.Close || int(rest[2])<<8|int(rest[3]) != int(tt.code) {
				t.Fatalf("got %q, want the echo and close %d", got, tt.code)
			}
			write(t, other, websocket.MessageText, "still here")
			expect(t, other, websocket.MessageText, "still here")
		})
	}
}

func TestACutMessageIsNotDelivered(t *testing.T) {
	f := start(t, nil)
	f.host.Table.Out().Connect(&f.host.Out)
	for _, size := range []int{10, 40_000} {
		nc := f.rawDial()
		whole := wire.AppendFrame(nil, wire.Fin|wire.Text, make([]byte, size))
		if _, err := nc.Write(whole[:len(whole)-3]); err != nil {
			t.Fatal(err)
		}
		_ = nc.Close()
	}
	f.end()
	f.wait()
	if n := len(f.host.Out.Events()); n != 0 {
		t.Errorf("%d messages that were cut off were delivered", n)
	}
}

// panicky is a flow with a bug.
type panicky struct{ next flow.Sink }

func (p panicky) Send(ctx context.Context, batch []flow.Event) error {
	for i := range batch {
		if v, err := batch[i].Payload(); err == nil && v.Text() == "bug" {
			panic("no")
		}
	}
	return p.next.Send(ctx, batch)
}

func TestAPanicCostsItsConnection(t *testing.T) {
	f := start(t, nil)
	f.host.Table.Out().Connect(panicky{f.host.Table.In(flow.Reply, false)})
	other, c := f.dial(), f.dial()
	write(t, c, websocket.MessageText, "bug")
	expectClose(t, c, websocket.StatusInternalError)
	write(t, other, websocket.MessageText, "well?")
	expect(t, other, websocket.MessageText, "well?")
	f.end()
	expectClose(t, other, websocket.StatusGoingAway)
	f.wait()
	if f.host.Closed() != 2 {
		t.Errorf("%d of 2 links are closed", f.host.Closed())
	}

	s := upstream(t, echo)
	client, host := clientOf(t, s.URL, func(c *ClientConfig) { c.OnOpen = []setting.Secret{setting.SecretOf("bug")} })
	host.Table.Out().Connect(panicky{&host.Out})
	if err := client.Run(t.Context(), host); !errors.Is(err, socket.ErrPanicked) || host.Closed() != 1 {
		t.Errorf("a client whose flow panics: %v, %d links closed", err, host.Closed())
	}
}

// A client that pings and never reads may not make the server collect pongs:
// it stops being read.
func TestAFloodOfPingsHoldsUpItsSender(t *testing.T) {
	f := start(t, nil)
	other := f.dial()
	nc := f.rawDial()
	_ = nc.(*net.TCPConn).SetReadBuffer(4 << 10)
	_ = nc.SetWriteDeadline(time.Now().Add(time.Second))
	var pings []byte
	for range 400 {
		pings = wire.AppendFrame(pings, wire.Fin|wire.Ping, make([]byte, 125))
	}
	var sent int
	for {
		n, err := nc.Write(pings)
		if sent += n; err != nil {
			break
		}
		if sent > 256<<20 {
			t.Fatal("256 MiB of pings were taken from a client that does not read")
		}
	}
	write(t, other, websocket.MessageText, "well?")
	expect(t, other, websocket.MessageText, "well?")
}

func TestDrainAnswersAndSaysGoodbye(t *testing.T) {
	f := start(t, nil)
	idle, busy := f.dial(), f.rawDial()
	var sent []byte
	for i := range 500 {
		sent = wire.AppendFrame(sent, wire.Fin|wire.Text, fmt.Appendf(nil, "message %d", i))
	}
	if _, err := busy.Write(sent); err != nil {
		t.Fatal(err)
	}
	// The first answer says that the messages have arrived.
	first := plain(nil, wire.Text, []byte("message 0"))
	if _, err := io.ReadFull(busy, first); err != nil {
		t.Fatal(err)
	}
	f.end()
	var want []byte
	for i := 1; i < 500; i++ {
		want = plain(want, wire.Text, fmt.Appendf(nil, "message %d", i))
	}
	want = plain(want, wire.Close, closing(1001, "server is shutting down"))
	got := make([]byte, len(want))
	if n, err := io.ReadFull(busy, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %d bytes (%v), want all answers and close 1001", n, err)
	}
	_ = busy.Close()
	expectClose(t, idle, websocket.StatusGoingAway)
	f.wait()
}

func TestSlowConsumerIsDisconnected(t *testing.T) {
	f := start(t, func(c *ServerConfig) { c.Queue.MaxEvents = 10; c.Queue.MaxBytes = 1 << 20 })
	f.host.Table.Out().Connect(&f.host.Out)
	slow, healthy := f.rawDial(), f.dial()
	if _, err := slow.Write(wire.AppendFrame(nil, wire.Fin|wire.Text, []byte("hello"))); err != nil {
		t.Fatal(err)
	}
	write(t, healthy, websocket.MessageText, "hello")
	events := f.host.Out.Wait(t, 2)
	var to *flow.Origin
	for _, e := range events {
		if e.Origin.Peer.Port == slow.LocalAddr().(*net.TCPAddr).Port {
			to = e.Origin
		}
	}
	large := strings.Repeat("x", 100_000)
	for range 1000 {
		e := flow.Event{Origin: to}
		e.SetPayload(flow.TextOf(large))
		if err := f.host.Table.In(flow.Reply, false).Send(t.Context(), []flow.Event{e}); err != nil {
			t.Fatalf("a reply to a connection that is gone is an error: %v", err)
		}
	}
	if f.host.Table.Stats().Lost == 0 {
		t.Error("nothing was lost to a client that does not read")
	}
	f.host.Table.Out().Connect(f.host.Table.In(flow.Reply, false))
	write(t, healthy, websocket.MessageText, "well?")
	expect(t, healthy, websocket.MessageText, "well?")
}

func TestManyClients(t *testing.T) {
	f := start(t, nil)
	var wg sync.WaitGroup
	for id := range 200 {
		wg.Go(func() {
			c, _, err := websocket.Dial(t.Context(), f.url, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.CloseNow()
			for i := range 20 {
				m := fmt.Sprintf("%d/%d %s", id, i, strings.Repeat("y", i*97))
				if err := c.Write(t.Context(), websocket.MessageText, []byte(m)); err != nil {
					t.Error(err)
					return
				}
				_, got, err := c.Read(t.Context())
				if err != nil || string(got) != m {
					t.Errorf("client %d got %.50q, %v, want %.50q", id, got, err, m)
					return
				}
			}
			if err := c.Close(1000, ""); err != nil && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
