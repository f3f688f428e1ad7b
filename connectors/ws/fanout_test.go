//go:build unix

package ws

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flow"
)

// crowd is a process of clients.
type crowd struct {
	b    *testing.B
	n    int
	in   *bufio.Writer
	out  *bufio.Scanner
	want int64
}

func gather(b *testing.B, addr string, n int) *crowd {
	b.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:gosec // ourselves
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", readersEnv, addr, n))
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
	c := &crowd{b: b, n: n, in: bufio.NewWriter(in), out: bufio.NewScanner(out)}
	c.out.Scan()
	return c
}

// await returns when all clients have got messages of so many bytes, with
// their headers.
func (c *crowd) await(messages, size int) {
	c.want += int64(c.n * messages * size)
	fmt.Fprintln(c.in, c.want)
	_ = c.in.Flush()
	if !c.out.Scan() {
		c.b.Fatal("the clients have gone")
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const fanoutMessage = `{"id":123456,"type":"message","host":"rrc00","data":{"peer":"192.0.2.1","timestamp":1784000000.12,"path":[64501,3356,1299]},"note":"0123456789"}`

// naiveFanOut is the fan-out that one writes by hand.
func naiveFanOut(b *testing.B, clients int) (addr string, send func(messages int)) {
	var mu sync.Mutex
	var conns []*websocket.Conn
	ctx, cancel := context.WithCancel(context.Background())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		mu.Lock()
		conns = append(conns, c)
		mu.Unlock()
		<-ctx.Done()
		_ = c.CloseNow()
	}))
	b.Cleanup(func() {
		cancel()
		s.Close()
	})
	message := []byte(fanoutMessage)
	return strings.TrimPrefix(s.URL, "http://"), func(messages int) {
		for here := 0; here < clients; { // the last one may have to be noted yet
			mu.Lock()
			here = len(conns)
			mu.Unlock()
		}
		for range messages {
			for _, c := range conns {
				if err := c.Write(context.Background(), websocket.MessageText, message); err != nil {
					b.Error(err)
				}
			}
		}
	}
}

func ourFanOut(b *testing.B, clients int) (addr string, send func(messages int)) {
	f := start(b, nil)
	in := f.host.Table.In(flow.Broadcast, false)
	return f.addr, func(messages int) {
		f.host.WaitOpen(clients, nil)
		batch := make([]flow.Event, messages)
		for i := range batch {
			batch[i].SetPayload(flow.TextOf(fanoutMessage))
		}
		if err := in.Send(context.Background(), batch); err != nil {
			b.Error(err)
		}
	}
}

// BenchmarkFanOut compares the CPU time that a message to 500 clients costs
// with that of a loop of the library's Write.
func BenchmarkFanOut(b *testing.B) {
	const clients = 500
	size := len(fanoutMessage) + 4
	for _, burst := range []int{1, 32} {
		b.Run(fmt.Sprintf("burst=%d", burst), func(b *testing.B) {
			var took [2]time.Duration
			for i, serve := range []func(*testing.B, int) (string, func(int)){naiveFanOut, ourFanOut} {
				addr, send := serve(b, clients)
				c := gather(b, addr, clients)
				for range 5 {
					send(burst)
					c.await(burst, size)
				}
				before := cpu()
				for range b.N {
					send(burst)
					c.await(burst, size)
				}
				took[i] = cpu() - before
			}
			perMessage := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N*burst*clients) }
			b.ReportMetric(perMessage(took[0]), "naive-us/msg")
			b.ReportMetric(perMessage(took[1]), "us/msg")
			b.ReportMetric(float64(took[1])/float64(took[0]), "ratio")
		})
	}
}
