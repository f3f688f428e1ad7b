package client

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
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/usage"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

// benchEnv makes the test binary the server that is asked.
const benchEnv = "FLOWRUN_HTTP_CLIENT_BENCH"

func TestMain(m *testing.M) {
	if os.Getenv(benchEnv) != "" {
		echo()
		return
	}
	goleak.VerifyTestMain(m)
}

// echo serves until its standard input ends.
func echo() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })}
	go func() { _ = s.Serve(l) }()
	fmt.Println(l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func startEcho(b *testing.B) (url string) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchEnv+"=1")
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
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return "http://" + strings.TrimSpace(line)
}

// bare is a flow.Host with nothing but what an engine has, too.
type bare struct {
	flow.Host
	*link.Table
}

func (h bare) Open(p flow.Peer, w flow.Writer) (flow.Link, error) { return h.Table.Open(p, w) }
func (h bare) OpenFor(question *flow.Frame, p flow.Peer) (flow.Link, error) {
	return h.Table.OpenFor(question, p)
}
func (h bare) Admit(p flow.Peer) error  { return h.Table.Admit(p) }
func (h bare) Shut()                    { h.Table.Shut() }
func (h bare) Heard() bool              { return h.Table.Heard() }
func (h bare) MediaType() string        { return h.Table.MediaType() }
func (h bare) Abandon() context.Context { return context.Background() }
func (h bare) Log() *zap.Logger         { return zap.NewNop() }

// same counts the answers that are what was asked.
type same struct {
	body []byte
	n    atomic.Int64
}

func (s *same) Send(_ context.Context, batch []flow.Event) error {
	for i := range batch {
		if bytes.Equal(batch[i].Raw, s.body) {
			s.n.Add(1)
		}
	}
	return nil
}

// BenchmarkAsk measures the processor time that a request costs, beside a loop
// written by hand that asks the same server. The two take turns. On a machine that does
// other things, too, the least that each has needed says more than the median of the
// ratios.
func BenchmarkAsk(b *testing.B) {
	const senders, n = 16, 300
	url := startEcho(b)
	body := []byte(`{"symbol":"EURUSD","bid":1.08342,"ask":1.08347,"pad":"` + strings.Repeat("x", 80) + `"}`)
	hand := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	b.Cleanup(hand.CloseIdleConnections)
	byHand := func() error {
		resp, err := hand.Post(url, "application/json", bytes.NewReader(body))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if err == nil && (resp.StatusCode != http.StatusOK || !bytes.Equal(got, body)) {
			err = fmt.Errorf("%d %q", resp.StatusCode, got)
		}
		return err
	}
	config := configure(b, url, nil)
	connector, err := config.New()
	if err != nil {
		b.Fatal(err)
	}
	component := &flow.Component{Boot: "node.1", Flow: "bench", Kind: "connector", Type: typeName, Name: "up"}
	table := link.NewTable(link.Config{
		Component: component, Shape: config.Shape(), Codec: json(b),
		OnDecode: "err", Problems: &flow.Problems{Component: component, Log: zap.NewNop()}, Log: zap.NewNop(),
	})
	answers := &same{body: body}
	table.Out().Connect(answers)
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- connector.Run(ctx, bare{Table: table}) }()
	b.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		table.Close(nil)
	})
	in := table.In(flow.Reply, false)
	event := flow.Event{}
	if err := json(b).New().Decode(&event, body); err != nil {
		b.Fatal(err)
	}
	byFlow := func() error { return in.Send(context.Background(), []flow.Event{event}) }
	load := func(ask func() error, n int) time.Duration {
		before, err := usage.CPU(os.Getpid())
		if err != nil {
			b.Skip(err)
		}
		var all sync.WaitGroup
		for range senders {
			all.Go(func() {
				for range n {
					if err := ask(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		after, _ := usage.CPU(os.Getpid())
		return (after - before) / time.Duration(senders*n)
	}
	load(byHand, 50)
	load(byFlow, 50)
	var ratios []float64
	var hands, flows []time.Duration
	asked := int64(senders * 50)
	for b.Loop() {
		h, f := load(byHand, n), load(byFlow, n)
		ratios = append(ratios, float64(f)/float64(h))
		hands, flows = append(hands, h), append(flows, f)
		asked += senders * n
	}
	if got := answers.n.Load(); got != asked {
		b.Errorf("%d answers to %d questions", got, asked)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "median-ratio")
	b.ReportMetric(float64(slices.Min(flows))/float64(slices.Min(hands)), "ratio-of-least")
	b.ReportMetric(float64(slices.Min(hands).Nanoseconds()), "hand-ns/request")
	b.ReportMetric(float64(slices.Min(flows).Nanoseconds()), "flow-ns/request")
	b.ReportMetric(0, "ns/op")
}
