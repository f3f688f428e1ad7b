package tap

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// counted is what is behind a tap.
type counted struct {
	n   int
	err error
}

func (c *counted) Send(_ context.Context, batch []flow.Event) error {
	c.n += len(batch)
	return c.err
}

func events(n int) []flow.Event {
	batch := make([]flow.Event, n)
	for i := range batch {
		batch[i] = flow.Event{Value: flow.IntOf(int64(i))}
	}
	return batch
}

func all(t *Tap) (got []Event) {
	for {
		select {
		case e := <-t.Events():
			got = append(got, e)
		default:
			return got
		}
	}
}

func TestTheRateIsAHardLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap, to := New(Options{Sample: 1, Rate: 10, MaxSize: 100, Queue: 1000}), &counted{}
		defer tap.Close()
		sink := tap.Through(to)
		for second := range 5 {
			for range 100 {
				_ = sink.Send(t.Context(), events(3))
				time.Sleep(10 * time.Millisecond)
			}
			got := len(all(tap))
			if most := 10; second == 0 && got > 2*most || second > 0 && got > most+1 || got < most-1 {
				t.Errorf("in second %d it copied %d", second, got)
			}
		}
		if to.n != 1500 {
			t.Errorf("of 1500 events %d went on", to.n)
		}
		c := tap.Counts()
		if c.Passed != 1500 || c.OverRate == 0 || c.Unsampled+c.Lost > 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestWhatIsLeftOutIsCounted(t *testing.T) {
	const n = 20000
	tap, to := New(Options{Sample: 0.1, Rate: math.MaxInt32, MaxSize: 100, Queue: 10}), &counted{}
	_ = tap.Through(to).Send(t.Context(), events(n))
	got, c := all(tap), tap.Counts()
	if len(got) != 10 || c.Passed != n || uint64(len(got))+c.Unsampled+c.OverRate+c.Lost != n {
		t.Errorf("%d, %+v", len(got), c)
	}
	if c.Unsampled < n*8/10 || c.Unsampled > n*97/100 {
		t.Errorf("of %d it left out %d by chance", n, c.Unsampled)
	}
	for i := range got[1:] {
		if got[i].Number < 1 || got[i+1].Number <= got[i].Number {
			t.Errorf("number %d before %d", got[i].Number, got[i+1].Number)
		}
	}
	tap.Close()
	_ = tap.Through(to).Send(t.Context(), events(5))
	if to.n != n+5 || tap.Counts() != c {
		t.Errorf("after its end: %d went on, %+v", to.n, tap.Counts())
	}
}

func TestTheAnswerIsThatOfWhatIsBehind(t *testing.T) {
	no := errors.New("no")
	tap := New(Options{Sample: 1, Rate: 1000, MaxSize: 100, Queue: 1})
	defer tap.Close()
	if err := tap.Through(&counted{err: no}).Send(t.Context(), events(1)); err != no { //nolint:errorlint // the very same
		t.Error(err)
	}
}

func TestAPlaceThatIsNoMore(t *testing.T) {
	tap := New(Options{})
	tap.Gone()
	tap.Gone()
	<-tap.Left()
}

// TestCopiesAreKept shows that nothing of a copy is the event's, whose memory is the
// caller's again.
func TestCopiesAreKept(t *testing.T) {
	tap := New(Options{Sample: 1, Rate: 1000, MaxSize: 1000, Queue: 2})
	defer tap.Close()
	raw := []byte(`{"n":[1,"two"]}`)
	text := []byte("text")
	batch := []flow.Event{
		{Raw: raw, Form: jsontext.Form{}},
		{Value: flow.ListOf([]flow.Value{flow.LazyOf(raw, jsontext.Form{}), flow.BytesOf(text)})},
	}
	_ = tap.Through(&counted{}).Send(t.Context(), batch)
	clear(raw)
	clear(text)
	clear(batch)
	for i, want := range []string{`{"n":[1,"two"]}`, `[{"n":[1,"two"]},"dGV4dA=="]`} {
		e := <-tap.Events()
		if got := show(t, &e, &Redaction{}, "event"); got != want {
			t.Errorf("%d: %s, not %s", i, got, want)
		}
	}
}

func show(t *testing.T, e *Event, r *Redaction, field string) string {
	t.Helper()
	v, ok := e.data(r).Get(field)
	if !ok {
		return "nothing"
	}
	b, err := jsontext.Append(nil, v, false)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLargeOnesAreNotCopied(t *testing.T) {
	large := strings.Repeat("x", 100)
	deep := flow.NullValue
	for range 100 {
		deep = flow.ListOf([]flow.Value{deep})
	}
	for name, e := range map[string]flow.Event{
		"raw":      {Raw: []byte(`"` + large + `"`), Form: jsontext.Form{}},
		"text":     {Value: flow.TextOf(large)},
		"bytes":    {Value: flow.BytesOf([]byte(large))},
		"elements": {Value: flow.ListOf(make([]flow.Value, 100))},
		"depth":    {Value: deep},
		"keys":     {Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: large}))},
		"lazy":     {Value: flow.ListOf([]flow.Value{flow.LazyOf([]byte(`["`+large+`"]`), jsontext.Form{})})},
		"meta":     {Meta: flow.Meta{Wrote: flow.ObjectOf(flow.Field{Key: "x", Value: flow.TextOf(large)})}},
	} {
		e.Time = 1
		c := copyOf(&e, time.Now(), 50)
		if !c.TooLarge || name != "meta" && c.Size < 40 {
			t.Errorf("%s: %+v", name, c)
		}
		if got := show(t, &c, &Redaction{}, "event") + show(t, &c, &Redaction{}, "too_large") + show(t, &c, &Redaction{}, "time"); got != `nulltrue"1970-01-01T00:00:00.000000001Z"` {
			t.Errorf("%s: %s", name, got)
		}
		if c := copyOf(&e, time.Now(), 5000); c.TooLarge {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestWhoItCameFrom(t *testing.T) {
	edge := &flow.Component{Boot: "n.b", Flow: "f", Kind: "connector", Type: "ws_server", Name: "edge"}
	from := func(seq uint64) *flow.Origin {
		return &flow.Origin{Connector: edge, Seq: seq, Peer: flow.Peer{Host: "192.0.2.1", Port: 7}}
	}
	one := Event{event: flow.Event{Origin: from(1), Value: flow.BytesOf([]byte{0xff})}}
	if got := show(t, &one, &Redaction{}, "peer"); !strings.HasPrefix(got, `{"id":"n.b/f/edge/1","connector":"edge","host":"192.0.2.1","port":7,`) {
		t.Error(got)
	}
	if got := show(t, &one, &Redaction{}, "event") + show(t, &one, &Redaction{}, "encoding") + show(t, &one, &Redaction{}, "origins"); got != `"/w==""base64"nothing` {
		t.Error(got)
	}
	union := &flow.Origin{}
	for i := range uint64(20) {
		union.Union = append(union.Union, from(i))
	}
	many := Event{event: flow.Event{Origin: union}}
	got := show(t, &many, &Redaction{}, "origins")
	if strings.Count(got, "n.b/f/edge/") != maxOrigins || show(t, &many, &Redaction{}, "peer") != "null" {
		t.Error(got)
	}
	if got := show(t, new(Event), &Redaction{}, "peer"); got != "null" {
		t.Error(got)
	}
}

func TestWhatJSONCannotSpell(t *testing.T) {
	e := Event{Size: 8, event: flow.Event{Value: flow.FloatOf(math.Inf(1))}}
	got := string(e.Append([]byte("x"), &Redaction{}))
	if !strings.HasPrefix(got, `x{"number":0,"time":null,"size":8,"event":null,`) || !strings.Contains(got, `"problem":"encode the number +Inf`) {
		t.Error(got)
	}
}

// BenchmarkThrough compares a way with nobody, with a tap that is over its rate (as
// on any busy edge), and with one that has gone and is still on the way.
func BenchmarkThrough(b *testing.B) {
	raw := []byte(`{"symbol":"ABC","price":12.5,"text":"` + strings.Repeat("x", 100) + `"}`)
	for _, size := range []int{1, 32} {
		batch := make([]flow.Event, size)
		for i := range batch {
			batch[i] = flow.Event{Raw: raw, Form: jsontext.Form{}}
		}
		for _, name := range []string{"nobody", "capped", "sampled", "gone"} {
			b.Run(fmt.Sprintf("%s-%d", name, size), func(b *testing.B) {
				var sink flow.Sink = &counted{}
				tap := New(Options{Sample: 1, Rate: 100, MaxSize: 64 << 10, Queue: 64})
				defer tap.Close()
				switch name {
				case "nobody":
				case "sampled":
					tap.options.Sample = 0.01
					sink = tap.Through(sink)
				case "gone":
					sink = tap.Through(sink)
					tap.Close()
				default:
					sink = tap.Through(sink)
				}
				b.ReportAllocs()
				for b.Loop() {
					_ = sink.Send(b.Context(), batch)
				}
			})
		}
	}
}
