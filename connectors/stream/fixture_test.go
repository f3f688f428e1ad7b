package stream

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/tests/selfsigned"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what takes no time when all is well: a busy machine may take long
// for anything.
const patience = time.Minute

// lines is the usual framing, in each direction.
func lines(t testing.TB) (in, out []flow.ProcessorUse) {
	t.Helper()
	for _, spec := range preprocessors.All {
		if spec.Name != "separate" {
			continue
		}
		makeIn, makeOut, err := spec.Config().New()
		if err != nil {
			t.Fatal(err)
		}
		return []flow.ProcessorUse{{Type: "separate", New: makeIn, Text: true}}, []flow.ProcessorUse{{Type: "separate", New: makeOut, Text: true}}
	}
	t.Fatal("there is no separate")
	return nil, nil
}

// fixture is a running server.
type fixture struct {
	t             testing.TB
	host          *flowtest.Host
	server        *server
	network, addr string
	running       *flowtest.Running
}

func tcpConfig(t testing.TB) *TCPServerConfig {
	c := Specs[0].Config().(*TCPServerConfig)
	c.CloseTimeout = setting.Duration(patience)
	if err := c.URL.UnmarshalText([]byte(flowtest.FreeAddress(t))); err != nil {
		t.Fatal(err)
	}
	return c
}

func unixConfig(t testing.TB) *UnixServerConfig {
	c := Specs[2].Config().(*UnixServerConfig)
	c.CloseTimeout = setting.Duration(patience)
	c.Path = setting.Path(filepath.Join(t.TempDir(), "s"))
	return c
}

// start runs a server whose `out` leads to its own `in`, line by line.
func start(t testing.TB, config flow.ConnectorConfig) *fixture {
	t.Helper()
	connector, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, server: connector.(*server), network: "tcp"}
	o := flowtest.Options{Shape: config.Shape(), Component: &flow.Component{Boot: "node.1", Flow: "test", Kind: "connector", Type: f.server.group.Type, Name: "in"}}
	o.Pre, o.Post = lines(t)
	f.host = flowtest.NewHost(t, o)
	f.host.Table.Out().Connect(f.host.Table.In(flow.Reply, false))
	if err := f.server.Prepare(t.Context(), f.host); err != nil {
		t.Fatal(err)
	}
	if f.addr = f.server.listen.Address; f.server.listen.Network != "" {
		f.network = f.server.listen.Network
	}
	f.running = flowtest.Start(t, connector, f.host)
	t.Cleanup(func() {
		if err := f.running.Stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		f.server.Release()
	})
	return f
}

// records makes what comes an event of the host, instead of an answer.
func (f *fixture) records() { f.host.Table.Out().Connect(&f.host.Out) }

// peer is the other side of a connection: it speaks in lines.
type peer struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func peerOn(t testing.TB, nc net.Conn) *peer {
	t.Helper()
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	return &peer{nc, t, bufio.NewReader(nc)}
}

func (f *fixture) dial() *peer {
	f.t.Helper()
	nc, err := net.Dial(f.network, f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	return peerOn(f.t, nc)
}

func (p *peer) say(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) want(lines ...string) {
	p.t.Helper()
	for _, want := range lines {
		if got, err := p.r.ReadString('\n'); err != nil || got != want+"\n" {
			p.t.Fatalf("%q came, %v; want %q", got, err, want)
		}
	}
}

// wantEnd reads to the end, after which nothing else may come.
func (p *peer) wantEnd() {
	p.t.Helper()
	if rest, err := io.ReadAll(p.r); err != nil || len(rest) > 0 {
		p.t.Errorf("%q and %v came instead of the end", rest, err)
	}
}

// wantReset wants the connection to be cut.
func (p *peer) wantReset() {
	p.t.Helper()
	_, err := io.Copy(io.Discard, p.r)
	if err == nil || !strings.Contains(err.Error(), "reset") {
		p.t.Errorf("it ended with %v, not with a reset", err)
	}
}

func (p *peer) shut() {
	p.t.Helper()
	if err := p.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		p.t.Fatal(err)
	}
}

// secured makes a certificate, and settings for a server with it.
func secured(t testing.TB) (*selfsigned.Certificate, *setting.TLSServer) {
	t.Helper()
	cert, dir := selfsigned.New(t, "127.0.0.1", "localhost"), t.TempDir()
	files := &setting.TLSServer{Cert: setting.Path(filepath.Join(dir, "cert")), Key: setting.Path(filepath.Join(dir, "key"))}
	cert.Write(t, string(files.Cert), string(files.Key))
	return cert, files
}

func (f *fixture) dialTLS(config *tls.Config) *peer {
	f.t.Helper()
	nc, err := tls.Dial("tcp", f.addr, config)
	if err != nil {
		f.t.Fatal(err)
	}
	return peerOn(f.t, nc)
}

// gone waits until all connections have ended.
func (f *fixture) gone() {
	f.t.Helper()
	flowtest.Until(f.t, "all connections have ended", func() bool { return len(f.server.group.All(nil)) == 0 })
}

func logged(f *fixture, text string) bool {
	for _, e := range f.host.Logs.All() {
		if strings.Contains(e.Message, text) {
			return true
		}
	}
	return false
}

// sink is a function that takes events.
type sink func(batch []flow.Event) error

func (s sink) Send(_ context.Context, batch []flow.Event) error { return s(batch) }

// upstream is a server that does with each connection as handle says, and then
// closes it.
func upstream(t testing.TB, network, address string, handle func(net.Conn)) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Add(1)
	go func() {
		defer all.Done()
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			all.Add(1)
			go func() {
				defer all.Done()
				defer nc.Close()
				handle(nc)
			}()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return l
}
