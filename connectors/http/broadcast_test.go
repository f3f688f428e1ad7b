package http

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/listen"
	"github.com/flowrun/flowrun/runtime/usage"
	"go.uber.org/zap"
)

const listeners = 100

// listenMany asks for streams, and reads them until standard input ends.
func listenMany(addrs []string) error {
	for _, addr := range addrs {
		for range listeners {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
				return err
			}
			go func() { _, _ = io.Copy(io.Discard, c) }()
		}
	}
	return nil
}

// BenchmarkBroadcast measures the processor time that an event costs which is sent to a
// hundred streams, beside a loop by hand that writes to each. The two take turns.
func BenchmarkBroadcast(b *testing.B) {
	const n = 100
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	config := Specs[0].Config().(*ServerConfig)
	if err := config.URL.UnmarshalText([]byte(flowtest.FreeAddress(b))); err != nil {
		b.Fatal(err)
	}
	config.SSE = &SSE{}
	connector, err := config.New()
	if err != nil {
		b.Fatal(err)
	}
	component := &flow.Component{Boot: "node.1", Flow: "bench", Kind: "connector", Type: "http_server", Name: "edge"}
	table := link.NewTable(link.Config{
		Component: component, Shape: config.Shape(), Codec: codec(b, "json"),
		OnDecode: "err", Problems: &flow.Problems{Component: component, Log: zap.NewNop()}, Log: zap.NewNop(),
	})
	h := bare{table: table, set: listen.New(zap.NewNop()), ctx: context.Background()}
	s := connector.(*server)
	if err := s.Prepare(b.Context(), h); err != nil {
		b.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, farewells{h}) }()
	b.Cleanup(func() {
		end()
		<-ended
		s.Release()
		h.set.Close()
	})
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchEnv+"=listen", benchEnv+"_ADDR="+l.Addr().String()+" "+config.URL.Addr())
	in, err := cmd.StdinPipe()
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
	var conns []net.Conn
	for range listeners {
		c, err := l.Accept()
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
			b.Fatal(err)
		}
		conns = append(conns, c)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for table.Stats().Open < listeners {
		select {
		case <-tick.C:
		case <-limit:
			b.Fatal("the streams do not open")
		}
	}
	body := `{"symbol":"EURUSD","bid":1.08342,"ask":1.08347,"pad":"` + strings.Repeat("x", 80) + `"}`
	byHand := func() {
		chunk := fmt.Appendf(nil, "%x\r\ndata: %s\n\n\r\n", len(body)+8, body)
		for range n {
			for _, c := range conns {
				_ = c.SetWriteDeadline(time.Now().Add(10 * time.Second))
				if _, err := c.Write(chunk); err != nil {
					b.Error(err)
				}
			}
		}
	}
	event := flow.Event{}
	if err := codec(b, "json").New().Decode(&event, []byte(body)); err != nil {
		b.Fatal(err)
	}
	broadcast := table.In(flow.Broadcast, false)
	sent := uint64(0)
	byFlow := func() {
		for range n {
			if err := broadcast.Send(context.Background(), []flow.Event{event}); err != nil {
				b.Error(err)
			}
			sent += listeners
			for table.Stats().EventsOut < sent && table.Stats().Lost == 0 {
				<-tick.C
			}
		}
	}
	cost := func(f func()) time.Duration {
		before, err := usage.CPU(os.Getpid())
		if err != nil {
			b.Skip(err)
		}
		f()
		after, _ := usage.CPU(os.Getpid())
		return (after - before) / (n * listeners)
	}
	var ratios []float64
	for b.Loop() {
		hand, flow := cost(byHand), cost(byFlow)
		ratios = append(ratios, float64(flow)/float64(hand))
	}
	if lost := table.Stats().Lost; lost > 0 {
		b.Errorf("%d are lost", lost)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "median-ratio")
	b.ReportMetric(0, "ns/op")
}

// farewells is a bare host that ends.
type farewells struct{ bare }

func (farewells) Farewell() flow.Farewell { return flow.Farewell{} }
