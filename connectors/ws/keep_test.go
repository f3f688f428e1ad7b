package ws

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

// listener is the other side of a client's connections, one after the other: it notes
// numbers that messages begin with, and answers pings.
type listener struct {
	t    *testing.T
	got  []int
	next int // the first number that has not come
}

// hear reads a connection until it is cut, or until enough says so. cut is asked, for
// each ping, whether the connection ends instead of an answer.
func (l *listener) hear(there net.Conn, cut, enough func() bool) {
	var answers sync.WaitGroup
	defer answers.Wait()
	defer func() { _ = there.Close() }()
	var all []byte
	p := make([]byte, 2000)
	for deadline := time.Now().Add(patience); !enough(); {
		_ = there.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
		n, err := there.Read(p[:1+rand.IntN(len(p)-1)])
		if ne := net.Error(nil); err != nil && (!asTimeout(err, &ne) || time.Now().After(deadline)) {
			l.t.Errorf("after %d: %v", len(l.got), err)
			return
		}
		all = append(all, p[:n]...)
		for payload, rest, ok := unmasked(all); ok; payload, rest, ok = unmasked(all) {
			opcode := all[0] & 15
			all = rest
			switch opcode {
			case 9:
				if cut() {
					return
				}
				answer := append([]byte{0x8a, byte(len(payload))}, payload...)
				answers.Go(func() { _, _ = there.Write(answer) }) // a pipe is taken from by who reads, and that is the other side
			case 1:
				l.note(payload)
			}
		}
	}
}

func asTimeout(err error, ne *net.Error) bool {
	e, ok := err.(net.Error) //nolint:errorlint // a pipe returns it bare
	*ne = e
	return ok && e.Timeout()
}

func (l *listener) note(payload []byte) {
	var number int
	if _, err := fmt.Sscan(string(payload), &number); err != nil {
		l.t.Errorf("%q: %v", payload, err)
	}
	if number > l.next {
		l.t.Errorf("%d came before %d", number, l.next)
	}
	l.next = max(l.next, number+1)
	l.got = append(l.got, number)
}

// connect runs a session over a pipe, whose other end it returns.
func connect(connector flow.Connector, host *flowtest.Host) (there net.Conn, done <-chan error) {
	here, there := net.Pipe() // without a buffer: what is written is read
	cl := connector.(*client)
	s := &session{client: cl, host: host, conn: socket.New(here, nil, cl.group)}
	ended := make(chan error, 1)
	go func() { ended <- s.run(context.Background(), flow.Peer{}) }()
	return there, ended
}

func numbered(i int) string { return fmt.Sprint(i, " ", strings.Repeat("x", rand.IntN(300))) }

// The peer goes away again and again, before it has answered: all that is sent
// arrives, in order, what was not confirmed more than once.
func TestWhatIsNotConfirmedIsSentAgain(t *testing.T) {
	for name, edit := range map[string]func(*setting.ClientQueue, string){
		"memory, pong":      func(q *setting.ClientQueue, _ string) { q.Confirm = "pong" },
		"persistent, pong":  func(q *setting.ClientQueue, dir string) { q.Confirm, q.Persistent = "pong", setting.Path(dir) },
		"persistent, write": func(q *setting.ClientQueue, dir string) { q.Confirm, q.Persistent = "write", setting.Path(dir) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "q")
			asks := false
			connector, host := clientOf(t, "ws://peer.test", func(c *ClientConfig) {
				c.Queue.MaxEvents = 50
				edit(&c.Queue, dir)
				asks = c.Queue.Confirm == "pong"
			})
			const n = 1500
			sent := make(chan error, 3)
			go func() {
				for i := 0; i < n; {
					var batch []string
					for range min(1+rand.IntN(100), n-i) { // more than there is room for, too
						batch = append(batch, numbered(i))
						i++
					}
					if err := host.Send(context.Background(), batch...); err != nil {
						sent <- err
						return
					}
				}
				sent <- nil
			}()
			l := &listener{t: t}
			through := func() bool { return l.next == n && host.Table.Stats().Waiting == 0 }
			connections := 0
			for ; !through() && !t.Failed(); connections++ {
				there, done := connect(connector, host)
				stop, heard := 100+rand.IntN(100), len(l.got)
				late := func() bool { return connections < 4 && l.next > n/2 } // by luck, hardly one was cut so far
				l.hear(there, func() bool { return l.next < n && (late() || rand.IntN(3) == 0) }, func() bool { return !asks && l.next < n && len(l.got)-heard > stop || through() })
				<-done
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
			again := uint64(len(l.got) - n)
			flowtest.Until(t, "who wrote the last ones has counted them", func() bool {
				s := host.Table.Stats()
				return s.EventsOut >= n && s.Confirmed >= n && (!asks || s.Resent >= again)
			})
			s := host.Table.Stats()
			if s.EventsOut != n || s.Confirmed != n || s.Lost+s.Dropped+s.Failed+s.Queued != 0 {
				t.Errorf("of %d: %+v", n, s)
			}
			if asks && again == 0 || !asks && s.Resent > 0 {
				t.Errorf("%d came more than once, and %d were sent once more", again, s.Resent)
			}
			if connections < 5 {
				t.Errorf("only %d connections", connections)
			}
		})
	}
}

// TestAnAnswerToALaterPing confirms what was before an earlier one.
func TestAnAnswerToALaterPing(t *testing.T) {
	connector, host := clientOf(t, "ws://peer.test", func(c *ClientConfig) {
		c.Queue.Confirm = "pong"
		c.Ping = &Ping{Interval: setting.Duration(20 * time.Millisecond)}
	})
	if err := host.Send(t.Context(), "0"); err != nil {
		t.Fatal(err)
	}
	there, done := connect(connector, host)
	defer func() { _ = there.Close(); <-done }()
	var all []byte
	p := make([]byte, 100)
	for pings := 0; host.Table.Stats().Waiting > 0; {
		_ = there.SetDeadline(time.Now().Add(patience))
		n, err := there.Read(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p[:n]...)
		for payload, rest, ok := unmasked(all); ok; payload, rest, ok = unmasked(all) {
			if all[0]&15 == 9 {
				if pings++; payload[0] < 0x80 && pings > 1 { // the first is the question
					if _, err := there.Write(append([]byte{0x8a, byte(len(payload))}, payload...)); err != nil {
						t.Fatal(err)
					}
				}
			}
			all = rest
		}
	}
}

// TestAPeerThatAnswersNoPing is told of.
func TestAPeerThatAnswersNoPing(t *testing.T) {
	connector, host := clientOf(t, "ws://peer.test", func(c *ClientConfig) {
		c.Queue.Confirm, c.Queue.WriteTimeout = "pong", setting.Duration(20*time.Millisecond)
	})
	there, done := connect(connector, host)
	defer func() { _ = there.Close(); <-done }()
	go func() { _, _ = io.Copy(io.Discard, there) }()
	if err := host.Send(t.Context(), "0"); err != nil {
		t.Fatal(err)
	}
	flowtest.Until(t, "somebody is told", func() bool { return host.Logs.FilterMessageSnippet("has not answered a ping").Len() > 0 })
	if s := host.Table.Stats(); s.Waiting != 1 || s.Lost > 0 {
		t.Errorf("%+v", s)
	}
}

func TestTheQueueOutlivesTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "q")
	persistent := func(c *ClientConfig) { c.Queue.Persistent, c.Queue.Confirm = setting.Path(dir), "pong" }
	const n = 300
	for i := range 3 {
		_, host := clientOf(t, "ws://peer.test", persistent)
		for j := range n / 3 {
			if err := host.Send(t.Context(), numbered(i*n/3+j)); err != nil {
				t.Fatal(err)
			}
		}
		if s := host.Table.Stats(); s.Queued != 0 || s.Waiting != uint64((i+1)*n/3) {
			t.Errorf("nothing needs the process to go on: %+v", s)
		}
		host.Table.Close(flow.ErrClosed)
		if s := host.Table.Stats(); s.Lost != 0 {
			t.Errorf("%d are lost", s.Lost)
		}
		if told := host.Logs.FilterMessageSnippet("stay in the queue's directory"); told.Len() != 1 || told.All()[0].ContextMap()["events"] != int64((i+1)*n/3) {
			t.Errorf("told %v", told.All())
		}
	}
	connector, host := clientOf(t, "ws://peer.test", persistent)
	l := &listener{t: t}
	there, done := connect(connector, host)
	l.hear(there, func() bool { return false }, func() bool { return l.next == n && host.Table.Stats().Waiting == 0 })
	<-done
	if len(l.got) != n {
		t.Errorf("%d of %d came", len(l.got), n)
	}
	host.Table.Close(flow.ErrClosed)
	flowtest.Until(t, "one file is left", func() bool { // by who is writing
		left, _ := os.ReadDir(dir)
		return len(left) == 1
	})
}

func TestWhatIsDroppedOfAKeptQueue(t *testing.T) {
	for overflow, want := range map[string][2]string{
		"drop_oldest": {"raw", "0"},
		"drop_newest": {"event", "3"},
	} {
		t.Run(overflow, func(t *testing.T) {
			_, host := clientOf(t, "ws://peer.test", func(c *ClientConfig) {
				c.Queue.Persistent, c.Queue.Overflow, c.Queue.MaxEvents = setting.Path(filepath.Join(t.TempDir(), "q")), overflow, 3
			})
			if err := host.Send(t.Context(), "0", "1", "2", "3"); err != nil {
				t.Errorf("the err port took it, but: %v", err)
			}
			told := host.Err.Wait(t, 1)
			payload, err := told[0].Payload()
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := payload.Object().Get(want[0]); got.Kind() == flow.Bytes && string(got.Bytes()) != want[1] || got.Kind() == flow.Text && got.Text() != want[1] || got.IsNull() {
				t.Errorf("err got %v, want %v", payload, want)
			}
			if s := host.Table.Stats(); s.Dropped != 1 || s.Waiting != 3 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestAFullQueueDoesNotStopItsOwnReader, who is needed for what frees it.
func TestAFullQueueDoesNotStopItsOwnReader(t *testing.T) {
	connector, host := clientOf(t, "ws://peer.test", func(c *ClientConfig) { c.Queue.MaxEvents, c.Queue.Confirm = 2, "pong" })
	host.Table.Out().Connect(host.Table.In(flow.Reply, false)) // an echo
	there, done := connect(connector, host)
	defer func() { _ = there.Close(); <-done }()
	go func() {
		for range 10 {
			_, _ = there.Write([]byte{0x81, 1, '0'})
		}
	}()
	l := &listener{t: t}
	l.hear(there, func() bool { return false }, func() bool {
		s := host.Table.Stats()
		return s.EventsIn == 10 && s.Waiting == 0 && int(s.EventsOut)+len(host.Err.Events()) >= 10
	})
	if s := host.Table.Stats(); s.Dropped != 0 || int(s.EventsOut)+len(host.Err.Events()) != 10 {
		t.Errorf("%d at err, %+v", len(host.Err.Events()), s)
	}
}

// TestAnIdleConnectionIsReplaced before it is written to, and no message is lost or
// comes twice for it.
func TestAnIdleConnectionIsReplaced(t *testing.T) {
	for name, edit := range map[string]func(*setting.ClientQueue){
		"queue":  func(*setting.ClientQueue) {},
		"kept":   func(q *setting.ClientQueue) { q.Confirm = "pong" },
		"silent": func(*setting.ClientQueue) {}, // does not answer the close frame
	} {
		t.Run(name, func(t *testing.T) {
			type message struct {
				connection int64
				text       string
			}
			got := make(chan message, 100)
			closed := make(chan websocket.StatusCode, 100)
			var connections atomic.Int64
			s := upstream(t, func(c *websocket.Conn, _ *http.Request) {
				number := connections.Add(1)
				for {
					_, data, err := c.Read(context.Background())
					if err != nil {
						closed <- websocket.CloseStatus(err)
						return
					}
					got <- message{number, string(data)}
					if name == "silent" {
						<-t.Context().Done()
						return
					}
				}
			})
			const limit = 100 * time.Millisecond
			c, host := clientOf(t, s.URL, func(c *ClientConfig) {
				c.Fresh = setting.Duration(limit)
				c.CloseTimeout = setting.Duration(20 * time.Millisecond)
				edit(&c.Queue)
			})
			running := flowtest.Start(t, c, host)
			host.WaitOpen(1, nil)
			for i := range 4 {
				text := fmt.Sprint(i)
				if err := host.Send(t.Context(), text); err != nil {
					t.Fatal(err)
				}
				m := <-got
				if m.text != text {
					t.Fatalf("%q came instead of %s", m.text, text)
				}
				if m.connection < int64(i+1) { // more where this machine was slow
					t.Errorf("message %d came on connection %d", i, m.connection)
				}
				if name != "silent" && i > 0 {
					if code := <-closed; code != websocket.StatusNormalClosure {
						t.Errorf("the one before ended with %d", code)
					}
				}
				<-time.After(2 * limit)
			}
			if err := running.Stop(); err != nil {
				t.Errorf("Run: %v", err)
			}
			if s := host.Table.Stats(); s.Lost+s.Dropped+s.Failed > 0 || s.EventsOut != 4 {
				t.Errorf("%+v", s)
			}
		})
	}
}
