package link

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

// part is the expression `event.<name>`, or what it is made of: the last word of
// peer.path.
type part func(e *flow.Event, vars ...flow.Value) flow.Value

func (p part) Eval(e *flow.Event, vars ...flow.Value) (flow.Value, error) { return p(e, vars...), nil }
func (p part) Test(e *flow.Event, vars ...flow.Value) (bool, error) {
	v := p(e, vars...)
	return v.Kind() == flow.Bool && v.Bool(), nil
}
func (p part) At() string { return "flow.hcl:1" }

func field(name string) part {
	return func(e *flow.Event, _ ...flow.Value) flow.Value {
		v, _ := e.Payload()
		x, _ := v.Object().Get(name)
		return x
	}
}

func peerPath(e *flow.Event, _ ...flow.Value) flow.Value { return e.Origin.PeerField("path") }

// topical is a connector whose clients subscribe by `join` and publish by `to`.
func topical(t testing.TB, edit func(*flow.Shape)) *Table {
	t.Helper()
	shape := many()
	topics := &flow.Topics{}
	topics.SetDefaults()
	topics.Subscribe, topics.Unsubscribe = field("join"), field("leave")
	shape.Topics = topics
	if edit != nil {
		edit(&shape)
	}
	tab, _, _ := table(t, shape)
	tab.Out().Connect(tab.InTo(Whom{By: flow.Topic, Names: field("to"), Problems: tab.cfg.Problems}, false))
	return tab
}

// A client that joins while others speak gets everything from some message on,
// each once and in order, although it does not read at first.
func TestASlowClientMissesNothingOfTheHistory(t *testing.T) {
	tab := topical(t, func(s *flow.Shape) {
		s.Queue.MaxEvents, s.Queue.Overflow = 3, "block"
		s.Topics.History = &flow.History{Size: 1000, MaxTopics: 1, MaxBytes: 1 << 20}
	})
	speaker := open(t, tab, &wire{})
	say := func(from, to int) {
		for i := from; i < to; i++ {
			receive(t, speaker, fmt.Sprintf(`{"to":"a","n":%d}`, i))
		}
	}
	say(0, 20)
	slow := &wire{block: make(chan struct{}), writing: make(chan struct{}, 1000)}
	l := open(t, tab, slow)
	var joined sync.WaitGroup
	joined.Go(func() { receive(t, l, `{"join":"a"}`) })
	<-slow.writing
	say(20, 50) // nobody waits for it
	close(slow.block)
	joined.Wait()
	say(50, 60)
	flush(t, l)
	var want []string
	for i := range 60 {
		want = append(want, fmt.Sprintf(`{"to":"a","n":%d}`, i))
	}
	if got := slow.text(); got != strings.Join(want, "|") {
		t.Errorf("got %s", got)
	}
}

// What a batch says about subscriptions counts from its place in the batch on.
func TestSubscriptionsAreInOrderWithMessages(t *testing.T) {
	tab := topical(t, nil)
	w := &wire{}
	l := open(t, tab, w)
	receive(t, l, `{"to":"a","n":1}`, `{"join":"a"}`, `{"to":"a","n":2}`, `{"leave":"a"}`, `{"to":"a","n":3}`, `{"join":["a"],"to":"a","n":4}`)
	flush(t, l)
	if got := w.text(); got != `{"to":"a","n":2}|{"join":["a"],"to":"a","n":4}` {
		t.Errorf("got %s", got)
	}
	if s := tab.Stats(); s.Unheard != 4 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
}

func TestSubscribersComeAndGoWhileOthersSpeak(t *testing.T) {
	tab := topical(t, func(s *flow.Shape) {
		s.Queue.MaxEvents, s.Queue.MaxBytes = 1<<20, 1<<30
		s.Topics.History = &flow.History{Size: 5, MaxTopics: 3, MaxBytes: 1 << 20}
	})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			l := open(t, tab, &wire{})
			for n := range 500 {
				receive(t, l, fmt.Sprintf(`{"to":["%d","%d"],"n":%d}`, i, n%3, n))
			}
			l.Close(context.Background(), nil)
		})
		all.Go(func() {
			for range 200 {
				l := open(t, tab, &wire{})
				receive(t, l, fmt.Sprintf(`{"join":["%d","1"]}`, i), `{"leave":"1"}`)
				l.Close(context.Background(), nil)
			}
		})
	}
	all.Wait()
	if s := tab.Stats(); s.Open != 0 || s.Failed != 0 {
		t.Errorf("%+v", s)
	}
	if left, _ := tab.board.Publish(nil, []string{"0", "1", "2", "3"}, nil); len(left) != 0 {
		t.Errorf("%d subscribers are left", len(left))
	}
}

func TestSessions(t *testing.T) {
	for _, conflict := range []string{"reject", "replace"} {
		tab := topical(t, func(s *flow.Shape) {
			s.Sessions = &flow.Sessions{Key: part(peerPath), MaxPerKey: 2, OnConflict: conflict}
		})
		come := func(path string) (*wire, flow.Link, error) {
			w := &wire{}
			l, err := tab.Open(flow.Peer{Host: "127.0.0.1", Port: 1, Path: path}, w)
			return w, l, err
		}
		first, one, _ := come("a")
		second, two, _ := come("a")
		_, _, _ = come("") // nobody's
		_, _, _ = come("")
		admitted := tab.Admit(flow.Peer{Path: "a"})
		third, three, err := come("a")
		if conflict == "reject" {
			if err != flow.ErrDuplicate || admitted != flow.ErrDuplicate || first.cut != nil || tab.Stats().Open != 4 {
				t.Errorf("reject: %v, %v, %v", err, admitted, first.cut)
			}
			two.Close(context.Background(), nil)
			if third, three, err = come("a"); err != nil {
				t.Errorf("a place is free: %v", err)
			}
			second = first
		} else if err != nil || admitted != nil || first.cut != flow.ErrReplaced || second.cut != nil {
			t.Errorf("replace: %v, %v, %v", err, admitted, first.cut)
		}
		in := tab.InTo(Whom{By: flow.Identity, Names: field("to"), Problems: tab.cfg.Problems}, false)
		e := flow.Event{Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "to", Value: flow.TextOf("a")}))}
		if err := in.Send(t.Context(), []flow.Event{e}); err != nil {
			t.Fatal(err)
		}
		for _, l := range map[string][]flow.Link{"reject": {one, three}, "replace": {two, three}}[conflict] {
			flush(t, l)
		}
		if third.text() != `{"to":"a"}` || second.text() != third.text() || conflict == "replace" && first.text() != "" {
			t.Errorf("%s: %q, %q, %q", conflict, first.text(), second.text(), third.text())
		}
		one.Close(context.Background(), nil)
		three.Close(context.Background(), nil)
		if got, _ := tab.sessions.Of(nil, flow.TextOf("a")); conflict == "replace" && len(got) != 1 || conflict == "reject" && len(got) != 0 {
			t.Errorf("%s: %d are left", conflict, len(got))
		}
	}
}

// An opening and an end are in order with what the connection says, and what is
// answered to the first is written.
func TestLifecycle(t *testing.T) {
	shape := many()
	shape.Lifecycle = true
	tab, _, _ := table(t, shape)
	seen := &recorder{}
	echo := tab.In(flow.Reply, false)
	tab.Out().Connect(sinkFunc(func(ctx context.Context, batch []flow.Event) error {
		_ = seen.Send(ctx, batch)
		return echo.Send(ctx, batch)
	}))
	w := &wire{}
	l := open(t, tab, w)
	receive(t, l, "1", "2")
	said := flow.ObjectOf(flow.Field{Key: "code", Value: flow.IntOf(1000)})
	l.Close(context.Background(), &flow.Ended{Meta: said})
	var got []string
	for _, e := range seen.all() {
		under, _ := e.MetaValue().Get("ws_server")
		event, _ := under.Object().Get("event")
		code, _ := under.Object().Get("code")
		got = append(got, event.Text()+string(e.Raw)+fmt.Sprint(code.Int()))
	}
	if want := []string{"open0", "10", "20", "close1000"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if !strings.HasPrefix(w.text(), "null|1|2") {
		t.Errorf("the client got %s", w.text())
	}
}

// What a turn publishes costs a place in each subscriber's queue, and one write.
func BenchmarkTopic(b *testing.B) {
	tab := topical(b, func(s *flow.Shape) { s.Queue.MaxEvents, s.Queue.MaxBytes = 1<<20, 1<<30 })
	for range 500 {
		receive(b, open(b, tab, &quick{}), `{"join":"a"}`)
	}
	l := open(b, tab, &quick{})
	message := flow.Frame{Data: []byte(`{"to":"a"}`)}
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Receive(context.Background(), []flow.Frame{message}); err != nil {
			b.Fatal(err)
		}
	}
}

// A message can name very many topics: to refuse them costs one problem, and no
// more than the message itself.
func TestTooManyTopicsAreOneProblem(t *testing.T) {
	tab := topical(t, func(s *flow.Shape) { s.Topics.MaxPerConnection, s.Topics.MaxPerMessage = 3, 3 })
	l := open(t, tab, &wire{})
	long := strings.Repeat("x", 257)
	many := `["` + strings.Repeat(`a","`, 10_000) + `b"]`
	for _, tt := range []struct{ message, want string }{
		{`{"join":` + many + `}`, "subscribe to 10001 topics: max_per_connection is 3"},
		{`{"leave":` + many + `}`, "unsubscribe from 10001 topics: max_per_connection is 3"},
		{`{"to":` + many + `}`, "a message with 10001 topics: max_per_message is 3"},
		{`{"join":["a","b"]}`, ""},
		{`{"join":["c","d","e"]}`, `subscribe to "d": there are 3 subscriptions, and max_per_connection allows no more; and so for 1 more`},
		{`{"join":["` + long + `","a"]}`, "subscribe to a topic of 257 bytes: max_length is 256B"},
		{`{"to":"` + long + `"}`, "a topic of 257 bytes: max_length is 256B"},
		{`{"to":["a","b","a"]}`, ""},
	} {
		errs := &recorder{}
		tab.cfg.Problems.Port.Connect(errs)
		receive(t, l, tt.message)
		var got []string
		for _, e := range errs.all() {
			v, _ := e.Payload()
			problem, _ := v.Object().Get("error")
			text, _ := problem.Object().Get("message")
			got = append(got, text.Text())
		}
		if got := strings.Join(got, "|"); got != tt.want {
			t.Errorf("%.50s: %.300s", tt.message, got)
		}
	}
}
