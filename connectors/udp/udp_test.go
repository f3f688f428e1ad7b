package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute

func serverConfig(t testing.TB) *ServerConfig {
	c := Specs[0].Config().(*ServerConfig)
	if err := c.URL.UnmarshalText([]byte(flowtest.FreeAddress(t))); err != nil {
		t.Fatal(err)
	}
	return c
}

func clientConfig(t testing.TB, addr string) *ClientConfig {
	c := Specs[1].Config().(*ClientConfig)
	if err := c.URL.UnmarshalText([]byte(addr)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConformance(t *testing.T) {
	t.Run("udp_server", func(t *testing.T) {
		flowtest.Connector(t, func(t *testing.T) flow.ConnectorConfig { return serverConfig(t) })
	})
	t.Run("udp_client", func(t *testing.T) {
		flowtest.Connector(t, func(t *testing.T) flow.ConnectorConfig { return clientConfig(t, flowtest.FreeAddress(t)) })
	})
}

type fixture struct {
	t       testing.TB
	host    *flowtest.Host
	addr    string
	running *flowtest.Running
}

// start runs a server whose `out` leads to its own `in`.
func start(t testing.TB, config *ServerConfig) *fixture {
	t.Helper()
	connector, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, addr: config.URL.Addr()}
	f.host = flowtest.NewHost(t, flowtest.Options{
		Shape:     config.Shape(),
		Component: &flow.Component{Boot: "node.1", Flow: "test", Kind: "connector", Type: "udp_server", Name: "in"},
	})
	f.host.Table.Out().Connect(f.host.Table.In(flow.Reply, false))
	s := connector.(*server)
	if err := s.Prepare(t.Context(), f.host); err != nil {
		t.Fatal(err)
	}
	f.running = flowtest.Start(t, connector, f.host)
	t.Cleanup(func() {
		if err := f.running.Stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		s.Release()
	})
	return f
}

// sender is who sends to a server.
type sender struct {
	net.Conn
	t testing.TB
}

func (f *fixture) dial() *sender {
	f.t.Helper()
	c, err := net.Dial("udp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &sender{c, f.t}
}

func (s *sender) say(text string) {
	s.t.Helper()
	if _, err := s.Write([]byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sender) want(text string) {
	s.t.Helper()
	buf := make([]byte, 65_536)
	if n, err := s.Read(buf); err != nil || string(buf[:n]) != text {
		s.t.Fatalf("%.60q came, %v; want %.60q", buf[:n], err, text)
	}
}

// Each sender gets the answers to what it sent.
func TestEcho(t *testing.T) {
	f := start(t, serverConfig(t))
	var all sync.WaitGroup
	for i := range 100 {
		p := f.dial()
		all.Add(1)
		go func() {
			defer all.Done()
			for k := range 50 {
				text := fmt.Sprintf("%d of sender %d", k, i)
				if _, err := p.Write([]byte(text)); err != nil {
					t.Error(err)
					return
				}
				buf := make([]byte, 1000)
				if n, err := p.Read(buf); err != nil || string(buf[:n]) != text {
					t.Errorf("%q came, %v; want %q", buf[:n], err, text)
					return
				}
			}
		}()
	}
	all.Wait()
	p := f.dial()
	p.say("")
	p.want("")
	long := strings.Repeat("x", longest)
	p.say(long)
	p.want(long)
	if n := f.host.Opened(); n != 101 {
		t.Errorf("%d connections for 101 senders", n)
	}
}

func TestWhatIsTooLong(t *testing.T) {
	c := serverConfig(t)
	c.MaxMessage = 10
	f := start(t, c)
	p := f.dial()
	p.say("01234567890")
	p.say("0123456789")
	p.want("0123456789")
	e := make([]flow.Event, 2)
	e[0].SetPayload(flow.TextOf(strings.Repeat("x", longest+1)))
	e[1].SetPayload(flow.TextOf("short"))
	err := f.host.Table.In(flow.Broadcast, false).Send(t.Context(), e)
	if err != nil && !strings.Contains(err.Error(), "longer than can be sent in one piece") {
		t.Error(err)
	}
	p.want("short")
	if len(f.host.Err.Wait(t, 1)) != 1 {
		t.Error("the long one is no problem")
	}
}

// The sender from which nothing has come for longest makes place.
func TestTooManySenders(t *testing.T) {
	c := serverConfig(t)
	c.Limits.MaxPeers = 2
	f := start(t, c)
	one, two, three := f.dial(), f.dial(), f.dial()
	one.say("1")
	one.want("1")
	two.say("2")
	two.want("2")
	one.say("1")
	one.want("1")
	three.say("3")
	three.want("3") // in the place of two
	if opened, closed := f.host.Opened(), f.host.Closed(); opened != 3 || closed != 1 {
		t.Errorf("%d opened, %d closed", opened, closed)
	}
	one.say("1")
	one.want("1")
	if n := f.host.Opened(); n != 3 {
		t.Errorf("%d opened: it was not the oldest that went", n)
	}
}

func TestSilentSendersAreForgotten(t *testing.T) {
	c := serverConfig(t)
	c.Idle, c.Life = setting.Duration(50*time.Millisecond), true
	f := start(t, c)
	f.host.Table.Out().Connect(&f.host.Out)
	f.dial().say("hi")
	last := f.host.Out.Wait(t, 3)[2]
	said, _ := last.MetaValue().Get("udp_server")
	if why, _ := said.Object().Get("reason"); why.Text() != "idle" {
		t.Errorf("it ended for %v", why)
	}
}

func TestAFloodIsDropped(t *testing.T) {
	c := serverConfig(t)
	c.Limits.MessagesPerSecond, c.Limits.Burst = 10, setting.Duration(time.Second)
	f := start(t, c)
	f.host.Table.Out().Connect(&f.host.Out)
	p := f.dial()
	for range 150 { // what the system's buffer has room for
		p.say("x")
	}
	q := f.dial()
	q.say("another")
	for n := 1; ; n++ {
		all := flowtest.Texts(t, f.host.Out.Wait(t, n))
		if all[n-1] == "another" {
			if n > 100 {
				t.Errorf("%d datagrams of the flood came", n-1)
			}
			return
		}
	}
}

func TestDrainAnswersWhatHasArrived(t *testing.T) {
	f := start(t, serverConfig(t))
	p := f.dial()
	for i := range 100 {
		p.say(fmt.Sprint(i)) // on loopback, it has arrived when say returns
	}
	if err := f.running.Stop(); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		p.want(fmt.Sprint(i))
	}
}

func TestClient(t *testing.T) {
	f := start(t, serverConfig(t))
	config := clientConfig(t, f.addr)
	c, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	host := flowtest.NewHost(t, flowtest.Options{Shape: config.Shape()})
	running := flowtest.Start(t, c, host)
	host.WaitOpen(1, nil)
	for i := range 100 {
		if err := host.Send(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		if got := flowtest.Texts(t, host.Out.Wait(t, i+1)); got[i] != fmt.Sprint(i) {
			t.Errorf("%q came for %d", got[i], i)
		}
	}
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestNobodyListens(t *testing.T) {
	config := clientConfig(t, flowtest.FreeAddress(t))
	c, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	host := flowtest.NewHost(t, flowtest.Options{Shape: config.Shape()})
	running := flowtest.Start(t, c, host)
	host.WaitOpen(1, nil)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		if err := host.Send(t.Context(), "hello?"); err != nil {
			t.Fatal(err)
		}
		if host.Logs.FilterMessageSnippet("nobody listens").Len() > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the log does not tell that nobody listens")
		}
	}
	if err := running.Stop(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsWrongWithAConfiguration(t *testing.T) {
	for url, want := range map[string]string{
		"tcp://a:1": "is not udp", "udp://a": "has no port", "udp://a:1/x": "nothing else", "udp://u:p@a:1": "nothing else",
	} {
		c := Specs[0].Config().(*ServerConfig)
		if err := c.URL.UnmarshalText([]byte(url)); err != nil {
			t.Fatal(err)
		}
		_, err := c.New()
		if fe := (*setting.Error)(nil); err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &fe) || fe.Field != "url" {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := clientConfig(t, "127.0.0.1:0").New(); err == nil || !strings.Contains(err.Error(), "port 0") {
		t.Errorf("New: %v", err)
	}
}

// Beside what the runtime does with it, nothing is made of a datagram.
func TestReceivingAllocatesNothing(t *testing.T) {
	p := &peer{link: nothing{}}
	datagram := []byte("x")
	if n := testing.AllocsPerRun(1000, func() { _ = p.deliver(datagram) }); n > 0 {
		t.Errorf("a datagram allocates %v times", n)
	}
}

type nothing struct{ flow.Link }

func (nothing) Receive(context.Context, []flow.Frame) error { return nil }
