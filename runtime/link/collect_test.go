package link

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// collecting is the table of a client that sends lines together, of at most 12 bytes,
// after at most a second.
func collecting(t *testing.T, dir string, overflow string) (*Table, *recorder) {
	t.Helper()
	c := &flow.Component{Boot: "node.1", Flow: "f", Kind: "connector", Type: "ws_client", Name: "up"}
	problems := &flow.Problems{Component: c, Log: zap.NewNop()}
	errs := &recorder{}
	problems.Port.Connect(errs)
	_, post := processors(t, "separate")
	i := slices.IndexFunc(preprocessors.All, func(s flow.Spec[flow.ProcessorConfig]) bool { return s.Name == "collect" })
	config := preprocessors.All[i].Config()
	reflect.ValueOf(config).Elem().FieldByName("MaxBytes").SetInt(12)
	_, out, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	post = append(post, flow.ProcessorUse{Type: "collect", Text: true, New: out})
	shape := flow.Shape{Role: flow.Client, In: true, Out: true, Queue: &setting.Queue{MaxEvents: 100, MaxBytes: 1000, Overflow: overflow}}
	if dir != "" {
		shape.Keep = &setting.Keep{Dir: dir}
	}
	tab := NewTable(Config{Component: c, Shape: shape, Codec: codec(t, "string"), Post: post, OnDecode: "err", Problems: problems, Log: zap.NewNop()})
	if err := tab.Prepare(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tab.Close(flow.ErrClosed) })
	return tab, errs
}

func sendTexts(t *testing.T, tab *Table, texts ...string) {
	t.Helper()
	var run []flow.Event
	for _, s := range texts {
		run = append(run, text(s))
	}
	if err := tab.In(flow.Reply, false).Send(t.Context(), run); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWaitsLeavesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab, _ := collecting(t, "", "block")
		w := &wire{}
		open(t, tab, w)
		sendTexts(t, tab, "a", "b")
		synctest.Wait()
		if w.text() != "" {
			t.Errorf("it did not wait: %q", w.text())
		}
		if s := tab.Stats(); s.Queued != 2 {
			t.Errorf("%d events are said to wait", s.Queued)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if w.text() != "a\nb\n" {
			t.Errorf("after a second there is %q", w.text())
		}
		sendTexts(t, tab, "c")
		time.Sleep(time.Second / 2)
		sendTexts(t, tab, strings.Repeat("d", 20)) // is enough
		synctest.Wait()
		if s := tab.Stats(); w.text() != "a\nb\n|c\n|dddddddddddddddddddd\n" || s.EventsOut != 4 || s.Queued != 0 {
			t.Errorf("%q, %d events are out, %d wait", w.text(), s.EventsOut, s.Queued)
		}
		sendTexts(t, tab, "e")
		tab.Hurry()
		synctest.Wait()
		if !strings.HasSuffix(w.text(), "|e\n") {
			t.Errorf("with no time left there is %q", w.text())
		}
	})
}

// A peer that takes nothing while max_wait passes gets all of it later, in order.
func TestAStuckPeerGetsItLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab, _ := collecting(t, "", "block")
		w := &wire{block: make(chan struct{})}
		l := open(t, tab, w)
		sendTexts(t, tab, "a")
		time.Sleep(2 * time.Second)
		sendTexts(t, tab, "b", "c")
		time.Sleep(2 * time.Second)
		sendTexts(t, tab, "d")
		close(w.block)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := w.text(); strings.ReplaceAll(got, "|", "") != "a\nb\nc\nd\n" {
			t.Errorf("it got %q", got)
		}
		if err := l.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What a connection that breaks has not taken is sent by the next, also where only some
// of the frames were taken.
func TestACutAmongCollectedFrames(t *testing.T) {
	tab, _ := collecting(t, filepath.Join(t.TempDir(), "queue"), "block")
	first := &taking{broken: make(chan struct{})}
	l := open(t, tab, first)
	sendTexts(t, tab, "aaaa", "bbbb", "cccc", "dddd", "eeee") // two of which fit
	tab.Hurry()
	<-first.broken
	l.Close(t.Context(), first.cut)
	if got := strings.Join(first.got, "|"); got != "aaaa\nbbbb\n" {
		t.Errorf("the first connection took %q", got)
	}
	second := &wire{}
	m := open(t, tab, second)
	tab.Hurry()
	for deadline := time.Now().Add(time.Minute); tab.Stats().Queued > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not all is written")
		}
	}
	got := strings.Join(first.got, "") + strings.ReplaceAll(second.text(), "|", "")
	if got != "aaaa\nbbbb\ncccc\ndddd\neeee\n" {
		t.Errorf("there came %q", got)
	}
	m.Close(t.Context(), nil)
}

// taking takes one frame, and breaks.
type taking struct {
	wire
	broken chan struct{}
}

func (w *taking) Write(ctx context.Context, frames []flow.Frame, corked bool) error {
	if err := w.wire.Write(ctx, frames[:1], corked); err != nil {
		return err
	}
	w.Disconnect(errors.New("reset"))
	close(w.broken)
	return &flow.WriteError{Written: 1, Err: errors.New("reset")}
}
