package http

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/listen"
	"github.com/flowrun/flowrun/runtime/usage"
	"go.uber.org/zap"
)

// benchEnv makes the test binary one of the servers that are measured.
const benchEnv = "FLOWRUN_HTTP_BENCH"

var benchBody = `{"symbol":"EURUSD","bid":1.08342,"ask":1.08347,"pad":"` + strings.Repeat("x", 80) + `"}`

// bare is a flow.Host with nothing but what an engine has, too.
type bare struct {
	flow.Host
	table *link.Table
	set   *listen.Set
	ctx   context.Context
}

func (h bare) Open(p flow.Peer, w flow.Writer) (flow.Link, error) { return h.table.Open(p, w) }
func (h bare) Admit(p flow.Peer) error                            { return h.table.Admit(p) }
func (h bare) Abandon() context.Context                           { return h.ctx }
func (h bare) MediaType() string                                  { return h.table.MediaType() }
func (h bare) Log() *zap.Logger                                   { return zap.NewNop() }
func (h bare) Handle(spec flow.ListenSpec, handler http.Handler) (func(), error) {
	route, err := h.set.Handle(h.table, spec, handler)
	if err != nil {
		return nil, err
	}
	return route.Close, nil
}

// benchServer serves what is measured, until its standard input ends.
func benchServer(what string) {
	addr := os.Getenv(benchEnv + "_ADDR")
	var err error
	switch what {
	case "hand":
		err = serveByHand(addr)
	case "listen":
		err = listenMany(strings.Fields(addr))
	default:
		err = serveByFlow(addr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// serveByHand is what one writes with net/http, with the timeouts that a server
// needs.
func serveByHand(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
	s := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }()
	return nil
}

func serveByFlow(addr string) error {
	s, h, err := benchFlow(addr)
	if err != nil {
		return err
	}
	go func() { _ = s.Run(context.Background(), h) }()
	return nil
}

// benchFlow is a connector that sends back what comes, and its host. It has been
// prepared.
func benchFlow(addr string) (*server, bare, error) {
	config := Specs[0].Config().(*ServerConfig)
	if err := config.URL.UnmarshalText([]byte(addr)); err != nil {
		return nil, bare{}, err
	}
	connector, err := config.New()
	if err != nil {
		return nil, bare{}, err
	}
	component := &flow.Component{Boot: "node.1", Flow: "bench", Kind: "connector", Type: "http_server", Name: "edge"}
	table := link.NewTable(link.Config{
		Component: component, Shape: config.Shape(), Codec: codec(nil, "json"),
		OnDecode: "err", Problems: &flow.Problems{Component: component, Log: zap.NewNop()}, Log: zap.NewNop(),
	})
	table.Out().Connect(table.In(flow.Reply, false))
	s, h := connector.(*server), bare{table: table, set: listen.New(zap.NewNop()), ctx: context.Background()}
	return s, h, s.Prepare(context.Background(), h)
}

// measured is a server in a process of its own.
type measured struct {
	cmd  *exec.Cmd
	addr string
	in   io.Closer
}

func startMeasured(b *testing.B, what string) *measured {
	b.Helper()
	m := &measured{cmd: exec.Command(os.Args[0]), addr: freeAddr(b)}
	m.cmd.Env = append(os.Environ(), benchEnv+"="+what, benchEnv+"_ADDR="+m.addr)
	m.cmd.Stderr = os.Stderr
	in, err := m.cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	m.in = in
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = m.cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		b.Fatal(line, err)
	}
	return m
}

// load sends n requests by each of some connections, compares the answers, and
// returns the server's processor time for each.
func (m *measured) load(b *testing.B, connections, n int, body string) time.Duration {
	b.Helper()
	request := fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	before, err := usage.CPU(m.cmd.Process.Pid)
	if err != nil {
		b.Skip(err)
	}
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			if err := exchangeMany(m.addr, request, body, n); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	after, _ := usage.CPU(m.cmd.Process.Pid)
	return (after - before) / time.Duration(connections*n)
}

func exchangeMany(addr string, request []byte, body string, n int) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	buf := make([]byte, 64<<10)
	for range n {
		if _, err := c.Write(request); err != nil {
			return err
		}
		got := 0
		for {
			m, err := c.Read(buf[got:])
			if err != nil {
				return err
			}
			got += m
			if i := bytes.Index(buf[:got], []byte("\r\n\r\n")); i >= 0 && got >= i+4+len(body) {
				if !bytes.HasPrefix(buf, []byte("HTTP/1.1 200 ")) || string(buf[i+4:got]) != body {
					return fmt.Errorf("%q", buf[:got])
				}
				break
			}
		}
	}
	return nil
}

// BenchmarkEcho measures the processor time that a request costs, beside a server
// written by hand. The two take turns. On a machine that does other things, too, the
// least that each has needed says more than the median of the ratios.
func BenchmarkEcho(b *testing.B) {
	body := benchBody
	byHand, byFlow := startMeasured(b, "hand"), startMeasured(b, "flow")
	const connections, n = 16, 500
	byHand.load(b, connections, 100, body)
	byFlow.load(b, connections, 100, body)
	var ratios []float64
	var hands, flows []time.Duration
	for b.Loop() {
		hand, flow := byHand.load(b, connections, n, body), byFlow.load(b, connections, n, body)
		ratios = append(ratios, float64(flow)/float64(hand))
		hands, flows = append(hands, hand), append(flows, flow)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "median-ratio")
	b.ReportMetric(float64(slices.Min(flows))/float64(slices.Min(hands)), "ratio-of-least")
	b.ReportMetric(float64(slices.Min(hands).Nanoseconds()), "hand-ns/request")
	b.ReportMetric(float64(slices.Min(flows).Nanoseconds()), "flow-ns/request")
	b.ReportMetric(0, "ns/op")
}

// nowhere is where a handler answers that is measured without net/http.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header              { return w.header }
func (w *nowhere) Write(p []byte) (int, error)      { return len(p), nil }
func (w *nowhere) WriteHeader(int)                  {}
func (w *nowhere) SetReadDeadline(time.Time) error  { return nil }
func (w *nowhere) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkHandler measures what is ours of a request: from where net/http hands it
// over until it is answered.
func BenchmarkHandler(b *testing.B) {
	s, h, err := benchFlow(freeAddr(b))
	if err != nil {
		b.Fatal(err)
	}
	defer h.set.Close()
	close(s.running)
	body := []byte(benchBody)
	content := bytes.NewReader(nil)
	q, err := http.NewRequest(http.MethodPost, "/", io.NopCloser(content))
	if err != nil {
		b.Fatal(err)
	}
	q.RemoteAddr, q.ContentLength = "127.0.0.1:54321", int64(len(body))
	w := &nowhere{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		content.Reset(body)
		if !s.begin() {
			b.Fatal("the server has ended")
		}
		s.routes[0].ServeHTTP(w, q)
	}
}
