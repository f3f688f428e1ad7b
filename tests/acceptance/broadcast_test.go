package acceptance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/tests/wire"
)

// example is the text of a flow that is shipped.
func example(t *testing.T, name string) string {
	t.Helper()
	return read(t, filepath.Join("../../flows/examples", name))
}

// feed is the upstream of the fan-out flow. Its messages are numbered, and so
// is what each becomes on its way to the listeners; between them come others
// that the flow drops.
type feed struct {
	*upstream
	conn chan *websocket.Conn
	next atomic.Int64 // number of the next message
	pad  string       // goes along with each message
}

func newFeed(t *testing.T) *feed {
	f := &feed{upstream: &upstream{t: t, addr: flowtest.FreeAddress(t)}, conn: make(chan *websocket.Conn, 1)}
	f.serve = func(ctx context.Context, c *websocket.Conn) {
		if _, hello, err := c.Read(ctx); err != nil || string(hello) != `{"type":"subscribe"}` {
			t.Errorf("the feed is greeted with %q, %v", hello, err)
		}
		f.conn <- c
		_, m, err := c.Read(ctx) // until it is closed
		if err == nil {
			t.Errorf("the feed is sent %q", m)
		}
	}
	f.start()
	t.Cleanup(func() { f.kill(false) })
	return f
}

var feedHosts = []struct{ host, region string }{{"rrc00", "ams"}, {"rrc11", "nyc"}, {"rrc12", "other"}}

// broadcast is what message n becomes.
func (f *feed) broadcast(n int64) string {
	return fmt.Sprintf(`{"ts":%d,"peer":"192.0.2.%d%s","region":"%s"}`, n, n%256, f.pad, feedHosts[n%3].region)
}

// send sends that many messages in one burst.
func (f *feed) send(c *websocket.Conn, count int) {
	f.t.Helper()
	for range count {
		n := f.next.Load()
		if n%5 == 0 {
			f.write(c, fmt.Sprintf(`{"type":"status","data":{"timestamp":%d}}`, n))
		}
		f.write(c, fmt.Sprintf(`{"type":"message","data":{"timestamp":%d,"peer":"192.0.2.%d%s","host":"%s","other":[1,2]}}`,
			n, n%256, f.pad, feedHosts[n%3].host))
		f.next.Add(1)
	}
}

func (f *feed) write(c *websocket.Conn, message string) {
	f.t.Helper()
	if err := c.Write(withPatience(f.t), websocket.MessageText, []byte(message)); err != nil {
		f.t.Fatalf("the feed cannot send: %v", err)
	}
}

// listener is a client of the fan-out flow.
type listener struct {
	*wire.Conn
	feed  *feed
	first int64 // number of the first message that came
	heard atomic.Int64
}

// listen opens a connection that hears broadcasts.
func (f *feed) listen(addr string) (*listener, error) {
	c, err := connect(addr)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(3 * patience)) // these stay for a whole test
	w, err := wire.Handshake(c, "/live")
	if err != nil {
		return nil, err
	}
	l := &listener{Conn: w, feed: f, first: -1}
	l.heard.Store(-1)
	return l, nil
}

// hear reads until enough says of the last number that it will do. From the
// first message on none may be missing, come twice or be another one.
func (l *listener) hear(enough func(n int64) bool) error {
	for last := l.heard.Load(); last < 0 || !enough(last); {
		m, err := l.Next()
		switch {
		case err != nil:
			return fmt.Errorf("after message %d: %w", last, err)
		case m.Opcode == wire.Ping:
			if err := l.Send(wire.Fin|wire.Pong, m.Payload); err != nil {
				return err
			}
			continue
		case m.Opcode == wire.Close:
			return fmt.Errorf("after message %d: closed with %d %s", last, m.Code(), m.Payload[min(2, len(m.Payload)):])
		}
		if last < 0 {
			digits, _, _ := strings.Cut(strings.TrimPrefix(string(m.Payload), `{"ts":`), ",")
			if l.first, err = strconv.ParseInt(digits, 10, 64); err != nil {
				return fmt.Errorf("the first message is %.100q", m.Payload)
			}
			last = l.first - 1
		}
		if last++; m.Opcode != wire.Text || string(m.Payload) != l.feed.broadcast(last) {
			return fmt.Errorf("got opcode %d, %.100q, not %.100q", m.Opcode, m.Payload, l.feed.broadcast(last))
		}
		l.heard.Store(last)
	}
	return nil
}

// audience is listeners that stay.
type audience struct {
	feed *feed
	all  []*listener
	last atomic.Int64 // the number that is the last; 0 while there are to be more
	done chan struct{}
}

// gather opens listeners and returns when all of them hear the feed.
func (f *feed) gather(c *websocket.Conn, addr string, count int) *audience {
	f.t.Helper()
	a := &audience{feed: f, all: make([]*listener, count), done: make(chan struct{})}
	each(f.t, count, 32, func(i int) (err error) {
		a.all[i], err = f.listen(addr)
		return err
	})
	if f.t.Failed() {
		f.t.FailNow()
	}
	f.t.Cleanup(func() {
		for _, l := range a.all {
			_ = l.Close()
		}
	})
	go func() {
		defer close(a.done)
		each(f.t, count, count, func(i int) error {
			err := a.all[i].hear(func(n int64) bool { last := a.last.Load(); return last > 0 && n >= last })
			if err != nil {
				return fmt.Errorf("listener %d: %w", i, err)
			}
			return leaves(a.all[i].Conn)
		})
	}()
	// A connection counts when the server has opened it, which its client does
	// not see until it hears something.
	await(f.t, "all listeners hear something", func() bool {
		f.send(c, 1)
		for _, l := range a.all {
			if l.heard.Load() < 0 {
				return a.lost()
			}
		}
		return true
	})
	return a
}

// lost reports that there is nothing to wait for: a listener has given up.
func (a *audience) lost() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// caughtUp waits until all have heard what was sent.
func (a *audience) caughtUp() {
	a.feed.t.Helper()
	await(a.feed.t, "all listeners have heard all", func() bool {
		for _, l := range a.all {
			if l.heard.Load() < a.feed.next.Load()-1 {
				return a.feed.t.Failed()
			}
		}
		return true
	})
	if a.feed.t.Failed() {
		a.feed.t.FailNow()
	}
}

// ends sends one message more, after which nothing may come.
func (a *audience) ends(c *websocket.Conn) {
	a.feed.t.Helper()
	a.last.Store(a.feed.next.Load())
	a.feed.send(c, 1)
	select {
	case <-a.done:
	case <-withPatience(a.feed.t).Done():
		a.feed.t.Error("not all listeners have heard the last message")
	}
}

func startFanout(t *testing.T, f *feed) (run *flowrun, addr string, c *websocket.Conn) {
	t.Helper()
	run = start(t, "", example(t, "fanout.hcl"), "--var", "feed=ws://"+f.addr, "--var", "url=ws://127.0.0.1:0/live")
	return run, run.address("edge"), f.reader()
}

// reader waits until somebody reads the feed, and returns the connection.
func (f *feed) reader() *websocket.Conn {
	f.t.Helper()
	select {
	case c := <-f.conn:
		return c
	case <-withPatience(f.t).Done():
		f.t.Fatal("nobody reads the feed")
		return nil
	}
}

// Each of many clients gets each broadcast once and in order, one at a time
// and in bursts.
func TestBroadcast(t *testing.T) {
	clients := 500
	if testing.Short() {
		clients = 50
	}
	f := newFeed(t)
	_, addr, c := startFanout(t, f)
	a := f.gather(c, addr, clients)
	for range 20 {
		f.send(c, 1)
		a.caughtUp()
		f.send(c, 32)
		a.caughtUp()
	}
	a.ends(c)
}

// Clients that come and go, politely and not, hear all that is broadcast while
// they are there, and those that stay notice nothing.
func TestBroadcastWhileClientsComeAndGo(t *testing.T) {
	f := newFeed(t)
	_, addr, c := startFanout(t, f)
	a := f.gather(c, addr, 50)
	var guests sync.WaitGroup
	stop := make(chan struct{})
	var visits atomic.Int64
	for g := range 16 {
		guests.Go(func() {
			r := rand.New(rand.NewPCG(4, uint64(g)))
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := visit(f, addr, r); err != nil {
					t.Errorf("guest %d: %v", g, err)
					return
				}
				visits.Add(1)
			}
		})
	}
	for visits.Load() < 200 && !t.Failed() {
		f.send(c, 10)
		a.caughtUp()
	}
	close(stop)
	left := make(chan struct{})
	go func() { guests.Wait(); close(left) }()
	await(t, "the guests have left", func() bool {
		f.send(c, 1) // for one that is waiting for it
		a.caughtUp()
		select {
		case <-left:
			return true
		default:
			return false
		}
	})
	a.ends(c)
}

// visit hears some messages and leaves in one of several ways.
func visit(f *feed, addr string, r *rand.Rand) error {
	l, err := f.listen(addr)
	if err != nil {
		return err
	}
	defer l.Close()
	wants := r.Int64N(20)
	if err := l.hear(func(n int64) bool { return n >= l.first+wants }); err != nil {
		return err
	}
	switch r.IntN(3) {
	case 0: // a reset
		return l.Conn.Conn.(*net.TCPConn).SetLinger(0)
	case 1:
		return l.Send(wire.Fin|wire.Close, nil)
	}
	return nil
}

// A client that reads nothing is given up when its queue is full; until then,
// and when that happens, the others hear everything.
func TestBroadcastPastAStalledClient(t *testing.T) {
	f := newFeed(t)
	f.pad = strings.Repeat("x", 10_000)
	run, addr, c := startFanout(t, f)
	a := f.gather(c, addr, 20)
	before := run.rss()
	stalled, err := f.listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer stalled.Close()
	sent := 0
	await(t, "the slow client is given up", func() bool {
		f.send(c, 20)
		sent += 20
		a.caughtUp()
		return strings.Contains(run.Stderr.String(), "slow consumer")
	})
	t.Logf("the slow client was given up after %d messages of 10 KB", sent)
	f.send(c, 20)
	a.caughtUp()
	a.ends(c)
	run.grewAtMost(before, 64)
}

// The feed goes away and comes back: it is greeted again, and the listeners,
// who stay connected, miss nothing of what it says from then on.
func TestBroadcastSurvivesItsFeed(t *testing.T) {
	f := newFeed(t)
	_, addr, c := startFanout(t, f)
	a := f.gather(c, addr, 20)
	for n := range 3 {
		f.send(c, 20)
		a.caughtUp()
		f.kill(n%2 == 0)
		f.start()
		c = f.reader()
	}
	f.send(c, 20)
	a.caughtUp()
	a.ends(c)
}

// The end of the process in the middle of a broadcast: everybody hears a part of
// it without gaps, and then the goodbye.
func TestBroadcastUntilTheEnd(t *testing.T) {
	f := newFeed(t)
	run, addr, c := startFanout(t, f)
	all := make([]*listener, 50)
	ends := make([]error, len(all))
	var listening sync.WaitGroup
	each(t, len(all), 32, func(i int) (err error) {
		all[i], err = f.listen(addr)
		return err
	})
	if t.Failed() {
		return
	}
	for i, l := range all {
		defer l.Close()
		listening.Go(func() { ends[i] = l.hear(func(int64) bool { return false }) })
	}
	heard := func() int64 { // by everybody
		least := all[0].heard.Load()
		for _, l := range all {
			least = min(least, l.heard.Load())
		}
		return least
	}
	await(t, "everybody hears the feed", func() bool {
		f.send(c, 8)
		return heard() >= 50
	})
	stop, said := make(chan struct{}), make(chan struct{})
	go func() { // on and on, but for nobody to be too slow
		defer close(said)
		for n := f.next.Load(); ; n++ {
			for ahead := true; ahead; ahead = n > heard()+100 {
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Microsecond):
				}
			}
			message := fmt.Sprintf(`{"type":"message","data":{"timestamp":%d,"peer":"192.0.2.%d","host":"%s"}}`, n, n%256, feedHosts[n%3].host)
			if c.Write(context.Background(), websocket.MessageText, []byte(message)) != nil {
				return
			}
		}
	}()
	if err := run.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	listening.Wait()
	for i, err := range ends {
		if err == nil || !strings.Contains(err.Error(), "closed with 1001") {
			t.Errorf("listener %d: %v", i, err)
		}
		_ = all[i].Close()
	}
	close(stop)
	<-said
	run.exits(0)
}
