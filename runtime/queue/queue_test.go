package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/flowrun/flowrun/runtime/flow"
)

// scene is a queue with its directory, "" for one in memory.
type scene struct {
	*Queue
	t    *testing.T
	set  *Set
	dir  string
	logs *observer.ObservedLogs
}

var large = Limits{Events: 1 << 20, Bytes: 1 << 30}

func newScene(t *testing.T, dir string, l Limits) *scene {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	s := &scene{t: t, set: NewSet(), dir: dir, logs: logs}
	if dir == "" {
		s.Queue = New(l)
		return s
	}
	q, err := s.set.Open(dir, l, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	s.Queue = q
	t.Cleanup(func() { s.leave() })
	return s
}

func (s *scene) leave() {
	if s.dir != "" && !s.closed {
		s.set.Close(s.Queue)
	}
}

// add adds events of one frame each, and waits.
func (s *scene) add(texts ...string) {
	s.t.Helper()
	if err := s.try(texts...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) try(texts ...string) error {
	frames, ends := make([]flow.Frame, len(texts)), make([]int, len(texts))
	for i, text := range texts {
		frames[i], ends[i] = flow.Frame{Data: []byte(text), Time: 1}, i+1
	}
	n, t := s.Add(frames, 0, ends)
	if n < len(texts) {
		return flow.ErrFull
	}
	return s.Wait(s.t.Context(), t)
}

// rest reads all there is from the cursor on.
func (s *scene) rest() (texts []string, end Mark) {
	s.t.Helper()
	var b Batch
	for {
		if err := s.Next(&b, 1000, math.MaxInt); err != nil {
			s.t.Fatal(err)
		}
		if b.Events() == 0 {
			return texts, end
		}
		for _, f := range b.Frames {
			texts = append(texts, string(f.Data))
		}
		end = b.Upto(b.Events())
	}
}

func numbers(from, to int) (texts []string) {
	for i := from; i < to; i++ {
		texts = append(texts, fmt.Sprint(i, strings.Repeat("x", i%300)))
	}
	return texts
}

func both(t *testing.T, test func(t *testing.T, s *scene)) {
	for name, dir := range map[string]string{"memory": "", "disk": "q"} {
		t.Run(name, func(t *testing.T) {
			if dir != "" {
				dir = filepath.Join(t.TempDir(), dir)
			}
			test(t, newScene(t, dir, large))
		})
	}
}

func TestOrderAndConfirmation(t *testing.T) {
	both(t, func(t *testing.T, s *scene) {
		s.add(numbers(0, 500)...)
		var b Batch
		if err := s.Next(&b, 1000, math.MaxInt); err != nil {
			t.Fatal(err)
		}
		n := b.Events()
		if n < 2 || n > 300 {
			t.Fatalf("a batch of about 1000 bytes has %d events", n)
		}
		if of := s.Confirm(b.Upto(n - 1)); of != n-1 { // not the last
			t.Errorf("%d confirmed, want %d", of, n-1)
		}
		s.Rewind()
		got, end := s.rest()
		if diff := cmp.Diff(numbers(n-1, 500), got); diff != "" {
			t.Error(diff)
		}
		if events, _ := s.Sent(); events != 501-n {
			t.Errorf("%d sent and not confirmed, want %d", events, 501-n)
		}
		s.Confirm(end)
		if events, bytes := s.Len(); events != 0 || bytes != 0 {
			t.Errorf("%d events, %d bytes are left", events, bytes)
		}
		s.add("more")
		if got, _ := s.rest(); !slices.Equal(got, []string{"more"}) {
			t.Errorf("then came %q", got)
		}
	})
}

func TestFramesStayAsTheyAre(t *testing.T) {
	both(t, func(t *testing.T, s *scene) {
		want := []flow.Frame{{Data: []byte("a"), Binary: true, Time: 7}, {Data: []byte{}, Time: 7}, {Data: []byte(strings.Repeat("z", 700_000)), Time: 7}, {Data: []byte("b"), Time: 8}}
		scratch := slices.Clone(want)
		scratch[0].Data = []byte("a")
		n, ticket := s.Add(scratch, 0, []int{3, 4})
		if n != 2 || s.Wait(t.Context(), ticket) != nil {
			t.Fatal("not taken")
		}
		scratch[0].Data[0] = '!' // it belongs to the caller
		var got []flow.Frame
		var b Batch
		for _, frames := range []int{3, 1} {
			if err := s.Next(&b, 1, math.MaxInt); err != nil || len(b.Frames) != frames || b.Whole(frames) != 1 || b.Whole(frames-1) != 0 {
				t.Fatalf("%v: %d frames: an event is whole or not there", err, len(b.Frames))
			}
			for _, f := range b.Frames {
				f.Data = slices.Clone(f.Data)
				got = append(got, f)
			}
		}
		if !reflect.DeepEqual(want, got) { // a difference would take long to find
			t.Error("other frames came")
		}
	})
}

func TestBounds(t *testing.T) {
	for name, l := range map[string]Limits{"events": {Events: 3, Bytes: 1 << 20}, "bytes": {Events: 100, Bytes: 100}} {
		both(t, func(t *testing.T, s *scene) {
			s.limits = l
			text := strings.Repeat("x", 200)
			if name == "bytes" {
				s.add(text) // the first may be as large as it likes
			} else {
				s.add("1", "2", "3")
			}
			changed := s.Changed()
			if err := s.try("4"); !errors.Is(err, flow.ErrFull) {
				t.Fatalf("%s: one too many: %v", name, err)
			}
			_, end := s.rest()
			s.Confirm(end)
			<-changed
			s.add("4")
			if got, _ := s.rest(); !slices.Equal(got, []string{"4"}) {
				t.Errorf("%q came", got)
			}
		})
	}
}

func TestDropTakesTheOldest(t *testing.T) {
	both(t, func(t *testing.T, s *scene) {
		if _, ok := s.Drop(); ok {
			t.Error("dropped of nothing")
		}
		s.add("1", "2", "3", "4")
		var b Batch
		if err := s.Next(&b, 2, math.MaxInt); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"1", "2", "3"} {
			if f, ok := s.Drop(); !ok || len(f) != 1 || string(f[0].Data) != want {
				t.Errorf("dropped %v, want %s", f, want)
			}
		}
		s.Confirm(b.Upto(1)) // of what has been dropped meanwhile
		if n, _ := s.Len(); n != 1 {
			t.Errorf("%d are left, want 1", n)
		}
		if got, _ := s.rest(); !slices.Equal(got, []string{"4"}) {
			t.Errorf("%q came", got)
		}
	})
}

func TestItOutlivesItsProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "q")
	confirmed := 0
	for round := range 20 {
		s := newScene(t, dir, Limits{Events: 1 << 20, Bytes: 1 << 20}) // segments of 128 KiB
		if n, _ := s.Len(); n != 700*round-confirmed {
			t.Fatalf("round %d: %d events are there, want %d", round, n, 700*round-confirmed)
		}
		s.add(numbers(700*round, 700*round+700)...)
		want := numbers(confirmed, 700*round+700)
		got, _ := s.rest()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		s.Rewind()
		var b Batch
		for range 10 {
			if err := s.Next(&b, 9000, math.MaxInt); err != nil {
				t.Fatal(err)
			}
			s.Confirm(b.Upto(b.Events()))
			confirmed += b.Events()
		}
		s.leave()
	}
	s := newScene(t, dir, large)
	_, end := s.rest()
	s.Confirm(end)
	s.leave()
	if left, _ := os.ReadDir(dir); len(left) != 1 || left[0].Name() != lockName {
		t.Errorf("an empty queue leaves %v", left)
	}
}

func TestSegmentsGo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "q")
	s := newScene(t, dir, large)
	s.disk.limit = 10_000
	text := strings.Repeat("x", 1000)
	most := 0
	for range 300 {
		s.add(text)
		_, end := s.rest()
		s.Confirm(end)
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, len(files))
	}
	if most > 3 {
		t.Errorf("%d files at a time, though nothing waits", most)
	}
}

// TestGroupCommit: everybody waits for the disk, but not each by themselves.
func TestGroupCommit(t *testing.T) {
	s := newScene(t, filepath.Join(t.TempDir(), "q"), large)
	var all sync.WaitGroup
	for w := range 50 {
		all.Go(func() {
			for i := range 40 {
				if err := s.try(fmt.Sprint(w, " ", i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got, _ := s.rest()
	next := map[string]int{}
	for _, text := range got {
		who, i, _ := strings.Cut(text, " ")
		if i != fmt.Sprint(next[who]) {
			t.Fatalf("%s came instead of number %d", text, next[who])
		}
		next[who]++
	}
	if len(got) != 2000 {
		t.Errorf("%d came of 2000", len(got))
	}
}

// TestWhatCannotBeWrittenIsRefused, as on a full disk, and what comes later is not.
func TestWhatCannotBeWrittenIsRefused(t *testing.T) {
	for _, before := range []int{0, 1, 3} {
		s := newScene(t, filepath.Join(t.TempDir(), "q"), large)
		want := numbers(0, before)
		if before > 0 {
			s.add(want...)
		} else {
			s.add("x")
			_, end := s.rest()
			s.Confirm(end)
		}
		writable := s.disk.last().file
		readOnly, err := os.Open(writable.Name())
		if err != nil {
			t.Fatal(err)
		}
		s.disk.last().file = readOnly
		for range 3 {
			if err := s.try("no"); err == nil {
				t.Fatal("acknowledged what was not written")
			}
			if s.disk.last() == nil {
				break // nothing was in it, and it is given up
			}
			s.disk.last().full = false // so that it is tried once more
		}
		if n, _ := s.Len(); n != before {
			t.Errorf("%d wait, want %d", n, before)
		}
		if last := s.disk.last(); last != nil {
			last.full = true
		}
		s.add("yes")
		if got, _ := s.rest(); !slices.Equal(got, append(want, "yes")) {
			t.Errorf("%q came", got)
		}
		if n := s.logs.FilterMessageSnippet("cannot be written").Len(); n != 1 || s.logs.FilterMessageSnippet("again").Len() != 1 {
			t.Errorf("told %d times: %v", n, s.logs.All())
		}
		_ = writable.Close()
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	s := newScene(t, filepath.Join(t.TempDir(), "q"), large)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, ticket := s.Add([]flow.Frame{{Data: []byte("x")}}, 0, []int{1})
	if err := s.Wait(ctx, ticket); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestOneAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "q")
	s := newScene(t, dir, large)
	if _, err := NewSet().Open(dir, large, zap.NewNop()); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("another process (%d) uses it", os.Getpid())) {
		t.Errorf("opened twice: %v", err)
	}
	other, err := s.set.Open(dir, large, zap.NewNop())
	if err != nil || other != s.Queue {
		t.Fatalf("the set opens another: %v", err)
	}
	s.add("1", "2")
	woken := make(chan string, 10)
	first := s.Reader(func() { woken <- "first" })
	second := s.Reader(func() { woken <- "second" })
	if !first.Begin() || second.Begin() || !first.Begin() {
		t.Fatal("not one at a time")
	}
	s.rest()
	s.add("3")
	if who := <-woken; who != "first" {
		t.Errorf("%s is told of what has come", who)
	}
	first.End()
	if who := <-woken; who != "second" || !second.Begin() {
		t.Errorf("%s has its turn", who)
	}
	if got, _ := s.rest(); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("the second got %q", got)
	}
	s.set.Close(other)
	s.add("4") // it is open still
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                              "",
		filepath.Join(dir, "new"):        "",
		filepath.Join(dir, "new", "new"): "does not exist: make it first",
		file:                             "is a file: name a directory of the queue's own",
		filepath.Join(file, "new"):       "not a directory",
	} {
		err := Check(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("it made %v", left)
	}
}

// TestAFullDiskIsFreed by what is confirmed, be it all that there is.
func TestAFullDiskIsFreed(t *testing.T) {
	for _, confirmFirst := range []bool{true, false} {
		s := newScene(t, filepath.Join(t.TempDir(), "q"), large)
		s.add("1", "2")
		_, end := s.rest()
		fail := func() {
			t.Helper()
			readOnly, err := os.Open(s.disk.last().file.Name())
			if err != nil {
				t.Fatal(err)
			}
			s.disk.last().file = readOnly
			if err := s.try("no"); err == nil {
				t.Fatal("acknowledged what was not written")
			}
		}
		if confirmFirst {
			s.Confirm(end)
			fail()
		} else {
			fail()
			s.Confirm(end)
		}
		if files, _ := filepath.Glob(filepath.Join(s.dir, "*.q1")); len(files) > 0 {
			t.Errorf("%v are left, and nothing is in them", files)
		}
		for range 2 {
			s.add("3", "4")
			if got, _ := s.rest(); !slices.Equal(got, []string{"3", "4"}) {
				t.Errorf("%q came", got)
			}
			s.Rewind()
			s.leave()
			s = newScene(t, s.dir, large)
			got, end := s.rest()
			if !slices.Equal(got, []string{"3", "4"}) {
				t.Errorf("%q came again", got)
			}
			s.Confirm(end)
		}
	}
}

// Meta is kept with its event, in memory and on the disk.
func TestMeta(t *testing.T) {
	meta := flow.ObjectOf(flow.Field{Key: "x", Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "list", Value: flow.ListOf([]flow.Value{flow.IntOf(1), flow.NullValue, flow.TextOf("\"")})}))})
	frames := []flow.Frame{{Data: []byte("a"), Meta: meta, Time: 5}, {Data: []byte("b"), Meta: meta, Time: 5}, {Data: []byte("c"), Time: 6}, {Meta: meta, Time: 7}}
	for _, dir := range []string{"", filepath.Join(t.TempDir(), "q")} {
		s := newScene(t, dir, large)
		n, ticket := s.Add(frames, 0, []int{2, 3, 4})
		if err := s.Wait(t.Context(), ticket); err != nil || n != 3 {
			t.Fatal(n, err)
		}
		if dir != "" {
			s.leave()
			s = newScene(t, dir, large)
		}
		var b Batch
		for i, want := range [][]flow.Frame{frames[:2], frames[2:3], frames[3:]} {
			if err := s.Next(&b, 1000, 1); err != nil || b.Events() != 1 || len(b.Frames) != len(want) {
				t.Fatalf("event %d: %v, %v", i, b.Frames, err)
			}
			for k, f := range b.Of(0) {
				same := (f.Meta == nil) == (want[k].Meta == nil) && (f.Meta == nil || flow.MapOf(f.Meta).Equal(flow.MapOf(meta)))
				if !same || !bytes.Equal(f.Data, want[k].Data) || f.Time != want[k].Time {
					t.Errorf("event %d, frame %d: %+v", i, k, f)
				}
			}
		}
	}
}

// What cannot be kept as it is, is refused before it is.
func TestKeepable(t *testing.T) {
	meta := func(v flow.Value) *flow.Object { return flow.ObjectOf(flow.Field{Key: "x", Value: v}) }
	for name, tt := range map[string]struct {
		frames []flow.Frame
		want   string
	}{
		"nothing":  {nil, ""},
		"meta":     {[]flow.Frame{{Data: []byte("a"), Meta: meta(flow.TextOf("b"))}}, ""},
		"no JSON":  {[]flow.Frame{{Meta: meta(flow.FloatOf(math.Inf(1)))}}, "meta"},
		"too long": {[]flow.Frame{{Data: make([]byte, MaxEvent/2)}, {Data: make([]byte, MaxEvent/2+1)}}, "1073741824 bytes"},
	} {
		err := Keepable(tt.frames)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
