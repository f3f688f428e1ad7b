package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

// withQueue gives a client a queue, and asks in order.
func withQueue(dir string, edit func(*Config)) func(*Config) {
	return func(c *Config) {
		c.Queue = &Queue{}
		c.Queue.SetDefaults()
		c.Queue.Persistent = setting.Path(dir)
		c.Concurrency = 1
		if edit != nil {
			edit(c)
		}
	}
}

func (a *asking) waiting() int { return int(a.host.Table.Stats().Waiting) }

// Who sends does not wait for a server that is away; what it sent outlives the client,
// with all that the flow has said of it, and is asked in order when the server is there.
func TestAQueueOutlivesItsClient(t *testing.T) {
	var there atomic.Bool
	var mu sync.Mutex
	var got []string
	url := behind(t, func(w http.ResponseWriter, r *http.Request) {
		if !there.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("X-N")+" "+string(body))
		_, _ = io.WriteString(w, `"answer `+r.URL.Path[1:]+`"`)
	})
	dir := filepath.Join(t.TempDir(), "queue")
	var want []string
	send := func(a *asking, n int) {
		t.Helper()
		for range n {
			i := len(want)
			e := says(text(fmt.Sprint("event ", i)),
				flow.Field{Key: "params", Value: object(flow.Field{Key: "id", Value: flow.TextOf(fmt.Sprint(i))})},
				flow.Field{Key: "method", Value: flow.TextOf([]string{"POST", "PUT"}[i%2])},
				flow.Field{Key: "headers", Value: object(flow.Field{Key: "x-n", Value: flow.TextOf(fmt.Sprint(i))})},
				flow.Field{Key: "context", Value: flow.IntOf(int64(i))})
			if err := a.send(e); err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprintf("%s /%d %d \"event %d\"", []string{"POST", "PUT"}[i%2], i, i, i))
		}
	}
	a := startClient(t, url+"/{id}", withQueue(dir, nil))
	send(a, 20)
	flowtest.Until(t, "the log tells that the server is away", func() bool {
		return a.host.Logs.FilterMessageSnippet("stays in the queue").Len() > 0
	})
	if err := a.run.Stop(); err != nil { // at once
		t.Fatal(err)
	}
	a.host.Table.Close(nil)

	b := startClient(t, url+"/{id}", withQueue(dir, nil))
	if n := b.waiting(); n != 20 {
		t.Errorf("%d events are left", n)
	}
	send(b, 20)
	there.Store(true)
	flowtest.Until(t, "all is confirmed", func() bool { return b.host.Table.Stats().Confirmed == 40 })
	for i, e := range b.host.Out.Wait(t, len(want)) {
		said, _ := e.Meta.Said.Get(typeName)
		kept, _ := said.Object().Get("context")
		if e.Origin.Parent != nil || !kept.Equal(flow.IntOf(int64(i))) {
			t.Errorf("answer %d, for %v, with %v", i, e.Origin.Parent, kept)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if s := b.host.Table.Stats(); s.EventsOut != 40 || s.Waiting+s.Lost+s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
}

// A question that fails for good goes to err, and holds up none behind it.
func TestAQueueGoesOnBehindWhatFails(t *testing.T) {
	var tries atomic.Int64
	url := behind(t, func(w http.ResponseWriter, r *http.Request) {
		switch body, _ := io.ReadAll(r.Body); {
		case strings.Contains(string(body), "bad"):
			w.WriteHeader(http.StatusBadRequest)
		case strings.Contains(string(body), "busy"):
			tries.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	for _, concurrency := range []int{1, 3} {
		tries.Store(0)
		a := startClient(t, url, withQueue(filepath.Join(t.TempDir(), "queue"), func(c *Config) {
			c.Queue.MaxRetries, c.Concurrency = 7, concurrency
		}))
		if err := a.send(text("a"), text("bad"), text("b"), text("busy"), text("c")); err != nil {
			t.Fatal(err)
		}
		flowtest.Until(t, "all is confirmed", func() bool { return a.host.Table.Stats().Confirmed == 5 })
		a.host.Err.Wait(t, 2)
		got := strings.Join(a.problems(), "; ")
		if !strings.Contains(got, "400 Bad Request; ") || !strings.Contains(got, "503 Service Unavailable, after 7 attempts") || tries.Load() != 7 {
			t.Errorf("%d tries: %s", tries.Load(), got)
		}
		for i, v := range flowtest.Payloads(t, a.host.Err.Events()) {
			if raw, _ := v.Object().Get("raw"); string(raw.Bytes()) != []string{`"bad"`, `"busy"`}[i] {
				t.Errorf("the bytes at err are %v", raw)
			}
		}
		if s := a.host.Table.Stats(); s.EventsOut != 3 || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// What answers lead to is a question again, in the same queue. Where that is full, nobody
// waits for who makes room.
func TestAnswersOfAQueueLeadToQuestions(t *testing.T) {
	url := behind(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	a := startClient(t, url, withQueue(filepath.Join(t.TempDir(), "queue"), func(c *Config) { c.Queue.MaxEvents = 5 }))
	in := a.host.Table.In(flow.Reply, false)
	var asked atomic.Int64
	a.host.Table.Out().Connect(sink(func(ctx context.Context, batch []flow.Event) error {
		if asked.Add(int64(len(batch))) > 300 {
			return nil
		}
		return in.Send(ctx, []flow.Event{text("once more"), text("and more")})
	}))
	if err := a.send(text("begin")); err != nil {
		t.Fatal(err)
	}
	flowtest.Until(t, "the queue is empty", func() bool { return a.waiting() == 0 && asked.Load() > 300 })
	refused := a.problems()
	if s := a.host.Table.Stats(); len(refused) == 0 || refused[0] != flow.ErrFull.Error() || s.EventsOut != uint64(asked.Load()) || 600+1-len(refused) != int(s.EventsOut) {
		t.Errorf("%d answers, %d refused: %+v", asked.Load(), len(refused), s)
	}
}

// A request that is at work when the client ends is waited for, and the next ones stay.
func TestAQueueEndsWithWhatIsAtWork(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	url := behind(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-answer
	})
	dir := filepath.Join(t.TempDir(), "queue")
	config := configure(t, url, withQueue(dir, nil))
	connector, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	a := &asking{t: t, host: flowtest.NewHost(t, flowtest.Options{Shape: config.Shape(), Codec: json(t)})}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- connector.Run(ctx, a.host) }()
	if err := a.send(text("a"), text("b"), text("c")); err != nil {
		t.Fatal(err)
	}
	<-asked
	stop()
	close(answer)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	a.host.Table.Close(nil)
	if s := a.host.Table.Stats(); s.EventsOut != 1 || s.Confirmed != 1 {
		t.Errorf("%+v", s)
	}
	go func() {
		for range asked { //nolint:revive // the others
		}
	}()
	defer close(asked)
	b := startClient(t, url, withQueue(dir, nil))
	flowtest.Until(t, "the queue is empty", func() bool { return b.waiting() == 0 })
	if s := b.host.Table.Stats(); s.EventsOut != 2 {
		t.Errorf("%+v", s)
	}
}

type sink func(context.Context, []flow.Event) error

func (f sink) Send(ctx context.Context, batch []flow.Event) error { return f(ctx, batch) }

// A queue that is empty leaves nothing behind, as soon as the connector has ended.
func TestAnEmptyQueueLeavesNothing(t *testing.T) {
	url := behind(t, func(http.ResponseWriter, *http.Request) {})
	dir := filepath.Join(t.TempDir(), "queue")
	for range 100 {
		a := startClient(t, url, withQueue(dir, nil))
		if err := a.send(text("a")); err != nil {
			t.Fatal(err)
		}
		if err := a.run.Stop(); err != nil {
			t.Fatal(err)
		}
		left := a.waiting()
		a.host.Table.Close(nil)
		if files, err := filepath.Glob(filepath.Join(dir, "*.q1")); err != nil || left == 0 && len(files) > 0 {
			t.Fatalf("left behind: %v, %v", files, err)
		}
	}
}
