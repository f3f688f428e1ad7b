package stream

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

func TestConformance(t *testing.T) {
	t.Run("tcp_server", func(t *testing.T) {
		flowtest.Connector(t, func(t *testing.T) flow.ConnectorConfig { return tcpConfig(t) })
	})
	t.Run("unix_server", func(t *testing.T) {
		flowtest.Connector(t, func(t *testing.T) flow.ConnectorConfig { return unixConfig(t) })
	})
	t.Run("tcp_client", func(t *testing.T) {
		flowtest.Connector(t, func(t *testing.T) flow.ConnectorConfig {
			l := upstream(t, "tcp", "127.0.0.1:0", func(nc net.Conn) { _, _ = io.Copy(nc, nc) })
			c := Specs[1].Config().(*TCPClientConfig)
			_ = c.URL.UnmarshalText([]byte(l.Addr().String()))
			return c
		})
	})
	t.Run("unix_client", func(t *testing.T) {
		flowtest.Connector(t, func(t *testing.T) flow.ConnectorConfig {
			l := upstream(t, "unix", t.TempDir()+"/s", func(nc net.Conn) { _, _ = io.Copy(nc, nc) })
			c := Specs[3].Config().(*UnixClientConfig)
			c.Path = setting.Path(l.Addr().String())
			return c
		})
	})
}

func TestEcho(t *testing.T) {
	for name, config := range map[string]flow.ConnectorConfig{"tcp": tcpConfig(t), "unix": unixConfig(t)} {
		t.Run(name, func(t *testing.T) {
			f := start(t, config)
			p := f.dial()
			p.say("a\nb\nc")
			p.want("a", "b")
			p.say("d\n")
			p.want("cd")
			long := strings.Repeat("x", 60_000)
			for range 5 {
				p.say(long + "\n")
				p.want(long)
			}
		})
	}
}

// A client that has sent all still gets the answers, that to its last line, which
// has no end, among them.
func TestAClientThatHasSentAllGetsItsAnswers(t *testing.T) {
	f := start(t, tcpConfig(t))
	p := f.dial()
	var want []string
	for i := range 10_000 {
		want = append(want, fmt.Sprint("line ", i))
	}
	go func() {
		p.say(strings.Join(want, "\n"))
		p.shut()
	}()
	p.want(want...)
	p.wantEnd()
	f.gone()
}

func TestDrainAnswersWhatHasArrived(t *testing.T) {
	f := start(t, tcpConfig(t))
	busy, idle := f.dial(), f.dial()
	busy.say("a\n")
	busy.want("a")
	idle.say("i\n")
	idle.want("i")
	busy.say("b\nc\n") // on loopback, it has arrived when say returns
	go func() { _ = f.running.Stop() }()
	busy.want("b", "c")
	busy.wantEnd()
	idle.wantEnd()
	// What is still sent is delivered, until the client ends, too.
	f.records()
	busy.say("late\n")
	f.host.Out.Wait(t, 1)
	_, _ = busy.Close(), idle.Close()
	f.gone()
}

func TestAPeerThatStaysIsNotWaitedForLong(t *testing.T) {
	c := tcpConfig(t)
	c.CloseTimeout = setting.Duration(30 * time.Millisecond)
	f := start(t, c)
	p := f.dial()
	p.say("a\n")
	p.want("a")
	if err := f.running.Stop(); err != nil { // which waits
		t.Error(err)
	}
	p.wantEnd()
}

func TestAbandonedConnectionsAreCut(t *testing.T) {
	c := tcpConfig(t)
	c.CloseTimeout = setting.Duration(time.Hour)
	f := start(t, c)
	p := f.dial()
	p.say("a\n")
	p.want("a")
	f.host.Drop()
	p.wantReset()
}

// A client that does not read is reset, and delays nobody.
func TestASlowClientIsReset(t *testing.T) {
	c := tcpConfig(t)
	c.Queue.WriteTimeout = setting.Duration(time.Second) // which no write to who reads takes
	f := start(t, c)
	slow, quick := f.dial(), f.dial()
	flood := strings.Repeat(strings.Repeat("x", 1000)+"\n", 1000)
	broken := make(chan error, 1)
	go func() {
		for {
			if _, err := io.WriteString(slow, flood); err != nil {
				broken <- err
				return
			}
		}
	}()
	for i := 0; ; i++ {
		quick.say(fmt.Sprintln(i))
		quick.want(fmt.Sprint(i))
		select {
		case <-broken:
			flowtest.Until(t, "the log tells", func() bool { return logged(f, "a slow consumer is disconnected") })
			return
		default:
		}
	}
}

func TestAQueueThatIsFullResetsItsClient(t *testing.T) {
	f := start(t, tcpConfig(t))
	p := f.dial()
	p.say("a\n")
	p.want("a")
	all := f.host.Table.In(flow.Broadcast, false)
	text := strings.Repeat("y", 10_000)
	flowtest.Until(t, "the client is cut", func() bool {
		e := make([]flow.Event, 10)
		for i := range e {
			e[i].SetPayload(flow.TextOf(text))
		}
		_ = all.Send(t.Context(), e)
		return len(f.server.group.All(nil)) == 0
	})
	p.wantReset()
}

func TestAnIdleConnectionEnds(t *testing.T) {
	c := tcpConfig(t)
	c.Idle = setting.Duration(50 * time.Millisecond)
	f := start(t, c)
	f.dial().wantEnd()
}

func TestLimits(t *testing.T) {
	c := tcpConfig(t)
	c.Limits.MaxConnections, c.Limits.MaxConnectionsPerIP = 2, 1
	f := start(t, c)
	one := f.dial()
	one.say("a\n")
	one.want("a")
	two := f.dial()
	two.wantEnd()
	_ = one.Close()
	flowtest.Until(t, "there is room again", func() bool {
		three := f.dial()
		_, _ = io.WriteString(three, "b\n") // it may be cut
		line, err := three.r.ReadString('\n')
		return err == nil && line == "b\n"
	})
	flowtest.Until(t, "the log tells", func() bool { return logged(f, "max_connections_per_ip is reached") })
}

// What is sent too fast comes later, and all of it.
func TestAFastClientIsReadSlowly(t *testing.T) {
	c := tcpConfig(t)
	c.Limits.BytesPerSecond, c.Limits.Burst = 1<<20, setting.Duration(10*time.Millisecond)
	f := start(t, c)
	f.records()
	p := f.dial()
	before := time.Now()
	line := strings.Repeat("z", 1023) + "\n"
	p.say(strings.Repeat(line, 256)) // 256 KiB, of which 10 may come at once
	f.host.Out.Wait(t, 256)
	if took := time.Since(before); took < 150*time.Millisecond {
		t.Errorf("a quarter of what a second allows took %v", took)
	}
}

func TestTLS(t *testing.T) {
	cert, files := secured(t)
	c := tcpConfig(t)
	c.TLS = files
	f := start(t, c)
	p := f.dialTLS(&tls.Config{RootCAs: cert.Pool(), ServerName: "localhost", NextProtos: []string{"syslog"}})
	for i := range 100 {
		p.say(fmt.Sprintf("%d\n", i))
		p.want(fmt.Sprint(i))
	}
	long := strings.Repeat("x", 50_000)
	p.say(long + "\nlast")
	p.want(long)
	p.shut()
	p.want("last")
	p.wantEnd()
	f.gone()
	stranger := f.dial()
	stranger.say("no TLS\n")
	_, _ = io.Copy(io.Discard, stranger.r)
}

// What was one write, and a TLS record, comes in one piece.
func TestTLSIsNotReadInCrumbs(t *testing.T) {
	cert, files := secured(t)
	c := tcpConfig(t)
	c.TLS = files
	connector, err := c.New()
	if err != nil {
		t.Fatal(err)
	}
	host := flowtest.NewHost(t, flowtest.Options{Shape: c.Shape()}) // no framing: a read is a message
	s := connector.(*server)
	if err := s.Prepare(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	running := flowtest.Start(t, s, host)
	defer running.Stop() //nolint:errcheck // not what is tested
	nc, err := tls.Dial("tcp", s.listen.Address, &tls.Config{RootCAs: cert.Pool(), ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for i, text := range []string{"hello", "w", "world"} {
		if _, err := io.WriteString(nc, text); err != nil {
			t.Fatal(err)
		}
		if got := flowtest.Texts(t, host.Out.Wait(t, i+1))[i]; got != text {
			t.Errorf("%q came as %q", text, got)
		}
	}
}

func TestACertificateIsWhoAClientIs(t *testing.T) {
	cert, files := secured(t)
	files.ClientCA = files.Cert
	c := tcpConfig(t)
	c.TLS, c.Auth = files, Certificates{Certificates{}.Variants()[0].Config().(access.Method)}
	f := start(t, c)
	f.records()
	f.dialTLS(&tls.Config{RootCAs: cert.Pool(), ServerName: "localhost", Certificates: []tls.Certificate{cert.Certificate}}).say("hi\n")
	e := f.host.Out.Wait(t, 1)[0]
	if sub, _ := e.Origin.Peer.Claims.Get("sub"); sub.Text() != "127.0.0.1" {
		t.Errorf("claims %v", e.Origin.PeerField("claims"))
	}
}

// Who does not do his handshake takes the place of nobody, and does not hold up
// the end.
func TestHandshakesThatAreNotDone(t *testing.T) {
	_, files := secured(t)
	c := tcpConfig(t)
	c.TLS, c.Limits.MaxHandshakes = files, 2
	f := start(t, c)
	first := f.dial()
	flowtest.Until(t, "it is there", func() bool { f.server.mu.Lock(); defer f.server.mu.Unlock(); return f.server.guests.Len() == 1 })
	second, third := f.dial(), f.dial()
	first.wantEnd()
	if err := f.running.Stop(); err != nil {
		t.Error(err)
	}
	second.wantReset() // it is not to believe that it was heard
	third.wantReset()
}

func TestAFlowEndsConnections(t *testing.T) {
	f := start(t, tcpConfig(t))
	closing := func(wish flow.Value) flow.Sink {
		return sink(func(batch []flow.Event) error {
			batch[0].Meta.Wrote = flow.ObjectOf(flow.Field{Key: "tcp_server", Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "close", Value: wish}))})
			return f.host.Table.In(flow.Reply, false).Send(t.Context(), batch)
		})
	}
	f.host.Table.Out().Connect(closing(flow.MapOf(flow.ObjectOf())))
	p := f.dial()
	p.say("bye\nmore\n")
	p.want("bye")
	p.shut()
	p.wantEnd()
	f.host.Table.Out().Connect(closing(flow.MapOf(flow.ObjectOf(flow.Field{Key: "abort", Value: flow.BoolOf(true)}))))
	p = f.dial()
	p.say("bye\n")
	p.wantReset()
	f.gone()
	check := checkWrote("tcp_server")
	for _, wrong := range []flow.Value{flow.BoolOf(true), flow.MapOf(flow.ObjectOf(flow.Field{Key: "code", Value: flow.IntOf(1)})), flow.MapOf(flow.ObjectOf(flow.Field{Key: "abort", Value: flow.IntOf(1)}))} {
		if check(flow.MapOf(flow.ObjectOf(flow.Field{Key: "close", Value: wrong}))) == nil {
			t.Errorf("close = %v is taken", wrong)
		}
	}
}

func TestLifecycleSaysWhy(t *testing.T) {
	c := tcpConfig(t)
	c.Life = true
	f := start(t, c)
	f.records()
	p := f.dial()
	p.say("half a line")
	p.shut()
	cut := f.dial()
	cut.say("cut\nhalf a line, of one who is cut off")
	f.host.Out.Wait(t, 5) // open, half a line, close, and open, cut
	_ = cut.Conn.(*net.TCPConn).SetLinger(0)
	_ = cut.Close()
	var got []string
	for _, e := range f.host.Out.Wait(t, 6) {
		said, _ := e.MetaValue().Get("tcp_server")
		if reason, ok := said.Object().Get("reason"); ok {
			got = append(got, reason.Text())
		}
	}
	if len(got) != 2 || got[0] != "peer" || got[1] != "lost" {
		t.Errorf("the reasons are %v", got)
	}
}

func TestWhoIsAtTheSocket(t *testing.T) {
	f := start(t, unixConfig(t))
	f.records()
	f.dial().say("hi\n")
	peer := f.host.Out.Wait(t, 1)[0].Origin.Peer
	if pid, _ := peer.Claims.Get("pid"); pid.Int() != int64(os.Getpid()) || peer.Path != f.addr {
		t.Errorf("it is %v at %s", peer.Claims, peer.Path)
	}
}

func TestAThousandClients(t *testing.T) {
	f := start(t, tcpConfig(t))
	var all sync.WaitGroup
	for i := range 1000 {
		all.Add(1)
		go func() {
			defer all.Done()
			nc, err := net.Dial("tcp", f.addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer nc.Close()
			_ = nc.SetDeadline(time.Now().Add(patience))
			want := ""
			for k := range 20 {
				want += fmt.Sprintf("client %d line %d\n", i, k)
			}
			go func() {
				_, _ = io.WriteString(nc, want)
				_ = nc.(*net.TCPConn).CloseWrite()
			}()
			if got, err := io.ReadAll(nc); err != nil || string(got) != want {
				t.Errorf("client %d got %d of %d bytes, %v", i, len(got), len(want), err)
			}
		}()
	}
	all.Wait()
	f.gone()
}
