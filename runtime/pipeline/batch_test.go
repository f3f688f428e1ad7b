package pipeline

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/setting"
)

func batchOf(events int, wait time.Duration, bytes setting.Size) *Batch {
	b := batchSpec.Config().(*Batch)
	b.MaxEvents, b.MaxWait = events, setting.Duration(wait)
	if bytes > 0 {
		b.MaxBytes = bytes
	}
	return b
}

func TestBatch(t *testing.T) {
	for _, test := range []struct {
		name   string
		batch  *Batch
		script []string
		want   []string
	}{
		{
			"by number", batchOf(3, time.Hour, 0),
			[]string{"id 1, id 2", "id 3, id 4, id 5, id 6, id 7", "+1m", "finish", "id 8, id 9"},
			[]string{"0s: [id=1 id=2 id=3]", "0s: [id=4 id=5 id=6]", "1m0s: [id=7]", "1m0s: [id=8 id=9]"},
		},
		{
			"by time, from the first event", batchOf(100, time.Second, 0),
			[]string{"+5s", "id 1", "+900ms", "id 2", "+1s", "id 3", "+10s"},
			[]string{"6s: [id=1 id=2]", "7.9s: [id=3]"},
		},
		{
			"by size", batchOf(100, time.Second, 200),
			[]string{"id 1, id 2, id 3, id 4, id 5", "id " + strings.Repeat("x", 300) + ", id 6"},
			[]string{"0s: [id=1 id=2 id=3 id=4]", "0s: [id=5]", "0s: [id=" + strings.Repeat("x", 300) + "]", "0s: [id=6]"},
		},
		{
			"each connection once", batchOf(4, time.Second, 0),
			[]string{"id 1 from 1, id 2 from 2, id 3, id 4 from 1", "id 5 from 3", "+1s", "id 6", "+1s"},
			[]string{"0s: [id=1 id=2 id=3 id=4] ->1,2", "1s: [id=5] ->3", "2s: [id=6]"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := set(t, false, test.batch)
				s.run()
				s.play(test.script...)
				steptest.Check(t, "out", s.out.All(), test.want)
				steptest.Check(t, "held", s.Stats()[0].Held, int64(0))
			})
		})
	}
}

// What came encoded is kept as it was, and not decoded; the connection's bytes
// are its own again.
func TestBatchKeepsSpelling(t *testing.T) {
	s := set(t, false, batchOf(3, time.Hour, 0))
	var got string
	s.Port("out").Connect(steptest.Each(func(e *flow.Event) error {
		text, err := jsontext.Append(nil, e.Value, false)
		got = string(text)
		return err
	}))
	raw := []byte(`{"b": 1.50, "a": [1,  2]}`)
	scalar := []byte(`"text"`)
	batch := []flow.Event{{Raw: raw, Form: jsontext.Form{}}, {Raw: scalar, Form: jsontext.Form{}}, steptest.Event("id 1")}
	if err := s.In().Send(t.Context(), batch[:2]); err != nil {
		t.Fatal(err)
	}
	copy(raw, strings.Repeat("x", len(raw)))
	copy(scalar, strings.Repeat("x", len(scalar)))
	if err := s.In().Send(t.Context(), batch[2:]); err != nil {
		t.Fatal(err)
	}
	steptest.Check(t, "list", got, `[{"b": 1.50, "a": [1,  2]},"text",{"id":1}]`)
}

func TestBatchManySenders(t *testing.T) {
	const senders, each = 8, 2000
	s := set(t, false, batchOf(7, time.Millisecond, 0))
	s.run()
	n := 0
	s.Port("out").Connect(steptest.Each(func(e *flow.Event) error { n += len(e.Value.List()); return nil }))
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for range each {
				if err := s.send("id 1"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	s.Finish()
	steptest.Check(t, "events", n, senders*each)
}

// A list does not wait for a clock that has been set back.
func TestBatchWhenTheClockIsSetBack(t *testing.T) {
	s := set(t, false, &Batch{MaxEvents: 10, MaxWait: seconds(60), MaxBytes: 1 << 20})
	_ = s.send("id 1")
	b := s.In().(*batcher)
	now := time.Now().UnixNano()
	steptest.Check(t, "next", b.tick(t.Context(), now-int64(time.Second)), b.list.due)
	steptest.Check(t, "out", len(s.out.All()), 0)
	steptest.Check(t, "next", b.tick(t.Context(), now-int64(time.Hour)), int64(never))
	steptest.Check(t, "out", s.out.Payloads(), []string{"[id=1]"})
}
