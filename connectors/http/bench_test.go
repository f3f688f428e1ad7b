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
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/listen"
	"github.com/flowrun/flowrun/runtime/usage"
	"go.uber.org/zap"
)

// benchEnv makes the test binary one of the servers that are measured.
const benchEnv = "FLOWRUN_HTTP_BENCH"

// benchBody is a message with some padding.
func benchBody(pad int) string {
	return `{"symbol":"EURUSD","bid":1.08342,"ask":1.08347,"pad":"` + strings.Repeat("x", pad) + `"}`
}

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

// measured is a server in a process of its own, and connections to it.
type measured struct {
	pid   int
	conns [16]net.Conn
}

func startMeasured(b *testing.B, what string) *measured {
	b.Helper()
	cmd, addr := exec.Command(os.Args[0]), flowtest.FreeAddress(b)
	cmd.Env = append(os.Environ(), benchEnv+"="+what, benchEnv+"_ADDR="+addr)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		b.Fatal(line, err)
	}
	m := &measured{pid: cmd.Process.Pid}
	for i := range m.conns {
		if m.conns[i], err = net.Dial("tcp", addr); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = m.conns[i].Close() })
	}
	return m
}

// load sends n requests by each of the connections, compares the answers, and returns
// the server's processor time for each, in nanoseconds.
func (m *measured) load(b *testing.B, n int, body string) float64 {
	b.Helper()
	request := fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	before, err := usage.CPU(m.pid)
	if err != nil {
		b.Skip(err)
	}
	var all sync.WaitGroup
	for _, c := range m.conns {
		all.Go(func() {
			if err := exchangeMany(c, request, body, n); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	after, _ := usage.CPU(m.pid)
	return float64(after-before) / float64(n*len(m.conns))
}

func exchangeMany(c net.Conn, request []byte, body string, n int) error {
	answers := bufio.NewReader(c)
	for range n {
		if _, err := c.Write(request); err != nil {
			return err
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || string(got) != body {
			return fmt.Errorf("%s, %q, %w", resp.Status, got, err)
		}
	}
	return nil
}

// BenchmarkEcho measures the processor time that a request costs, beside a server
// written by hand. The two take turns, which are short: on a machine that does other
// things, too, some are disturbed and some are not. So turns of the same luck are
// compared, at a tenth, a quarter and the half of all; -benchtime 300x is enough of
// them.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{80, 20_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			body := benchBody(size)
			byHand, byFlow := startMeasured(b, "hand"), startMeasured(b, "flow")
			const n = 20
			byHand.load(b, 5*n, body)
			byFlow.load(b, 5*n, body)
			var hands, flows []float64
			for b.Loop() {
				hands, flows = append(hands, byHand.load(b, n, body)), append(flows, byFlow.load(b, n, body))
			}
			slices.Sort(hands)
			slices.Sort(flows)
			for name, at := range map[string]int{"ratio-of-tenths": len(hands) / 10, "ratio-of-quarters": len(hands) / 4, "ratio-of-medians": len(hands) / 2} {
				b.ReportMetric(flows[at]/hands[at], name)
			}
			b.ReportMetric(hands[len(hands)/4], "hand-ns/request")
			b.ReportMetric(flows[len(flows)/4], "flow-ns/request")
			b.ReportMetric(0, "ns/op")
		})
	}
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
	s, h, err := benchFlow(flowtest.FreeAddress(b))
	if err != nil {
		b.Fatal(err)
	}
	defer h.set.Close()
	close(s.running)
	body := []byte(benchBody(80))
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
