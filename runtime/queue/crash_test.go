package queue

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/flow"
)

// filled makes a directory with one segment, and returns its bytes and where records
// end.
func filled(t *testing.T, texts []string) (name string, content []byte, ends []int) {
	t.Helper()
	s := newScene(t, filepath.Join(t.TempDir(), "q"), large)
	for _, text := range texts {
		s.add(text)
		ends = append(ends, int(s.disk.last().size))
	}
	name = s.disk.last().name()
	content, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return name, content, ends
}

// reopened is a queue of one segment.
func reopened(t *testing.T, name string, content []byte) *scene {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "q")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return newScene(t, dir, large)
}

// TestCutShort ends the log at every byte: whole records are there, the rest is not,
// and what is added then is read behind it, by a later process, too.
func TestCutShort(t *testing.T) {
	texts := []string{"one", strings.Repeat("two", 20), "", "four"}
	name, content, ends := filled(t, texts)
	for cut := range len(content) {
		s := reopened(t, name, content[:cut])
		whole := 0
		for whole < len(ends) && ends[whole] <= cut {
			whole++
		}
		if n, _ := s.Len(); n != whole {
			t.Fatalf("cut at %d: %d events, want %d", cut, n, whole)
		}
		border := cut == 0 || slices.Contains(ends, cut)
		if told := s.logs.FilterMessageSnippet("cut short").Len(); told == 1 == border {
			t.Errorf("cut at %d: told %d times", cut, told)
		}
		s.add("behind")
		want := append(slices.Clone(texts[:whole]), "behind")
		for range 2 {
			if got, _ := s.rest(); !slices.Equal(got, want) {
				t.Fatalf("cut at %d: %q", cut, got)
			}
			s.leave()
			s = newScene(t, s.dir, large)
			if n := s.logs.FilterMessageSnippet("cut short").Len(); n > 0 {
				t.Errorf("cut at %d: not repaired", cut)
			}
		}
	}
}

// TestDamage flips a bit in every byte: the event that it is in is lost, and no other.
func TestDamage(t *testing.T) {
	texts := []string{"one", strings.Repeat("two", 50), "three"}
	name, content, ends := filled(t, texts)
	for i := range content {
		damaged := bytes.Clone(content)
		damaged[i] ^= 1 << rand.IntN(8)
		in := 0
		for ends[in] <= i {
			in++
		}
		s := reopened(t, name, damaged)
		got, end := s.rest()
		if want := slices.Delete(slices.Clone(texts), in, in+1); !slices.Equal(got, want) {
			t.Fatalf("byte %d, which is in number %d: %q came", i, in, got)
		}
		told := s.logs.FilterMessageSnippet("damaged")
		if in == len(texts)-1 { // one cannot know that it was ever written whole
			told = s.logs.FilterMessageSnippet("cut short")
		}
		if told.Len() != 1 {
			t.Errorf("byte %d: told %v", i, s.logs.All())
		}
		s.Confirm(end)
		if n, _ := s.Len(); n != 0 {
			t.Errorf("byte %d: %d are left", i, n)
		}
	}
}

// TestDamageWhileItIsOpen is met by the reader.
func TestDamageWhileItIsOpen(t *testing.T) {
	s := newScene(t, filepath.Join(t.TempDir(), "q"), large)
	s.disk.limit = 10_000
	all := numbers(0, 500)
	for some := range slices.Chunk(all, 10) {
		s.add(some...)
	}
	for i, seg := range s.disk.segments {
		at := seg.size / 2
		if i%2 == 0 {
			at = seg.size - 5
		}
		if _, err := seg.file.WriteAt([]byte("damage"), at); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.disk.segments) < 4 {
		t.Fatalf("%d segments", len(s.disk.segments))
	}
	got, end := s.rest()
	lost := len(all) - len(got)
	if lost < len(s.disk.segments) || lost > 2*len(s.disk.segments) {
		t.Errorf("%d lost in %d segments", lost, len(s.disk.segments))
	}
	if told := s.logs.FilterMessageSnippet("damaged").Len(); told != len(s.disk.segments) {
		t.Errorf("told %d times", told)
	}
	for i, j := 0, 0; i < len(got); i, j = i+1, j+1 {
		for got[i] != all[j] {
			j++ // panics when one came out of order
		}
	}
	s.Confirm(end)
	s.add("more")
	if got, _ := s.rest(); !slices.Equal(got, []string{"more"}) {
		t.Errorf("then came %q", got)
	}
}

// Set for the process that TestKill kills: the directory.
const victim = "FLOWRUN_TEST_QUEUE_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victim); dir != "" {
		beVictim(dir)
	}
	os.Exit(m.Run())
}

// beVictim adds numbers, and confirms them some time later; what it tells on its
// standard output has been acknowledged, or is about to be confirmed.
func beVictim(dir string) {
	q, err := NewSet().Open(dir, Limits{Events: 1 << 20, Bytes: 1 << 20}, zap.NewNop())
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	start, _ := strconv.Atoi(os.Getenv(victim + "_START"))
	come := make(chan struct{}, 1)
	reader := q.Reader(func() {
		select {
		case come <- struct{}{}:
		default:
		}
	})
	reader.Begin()
	go func() {
		var b Batch
		for range come {
			if err := q.Next(&b, 5000, math.MaxInt); err != nil {
				fmt.Println("error", err)
			}
			if n := b.Events(); n > 0 {
				number, _, _ := strings.Cut(string(b.Frames[n-1].Data), " ")
				fmt.Println("confirm", number)
				q.Confirm(b.Upto(n))
				reader.wake() // to look for more
			}
		}
	}()
	for i := start; ; {
		var frames []flow.Frame
		var ends []int
		for range 1 + rand.IntN(20) {
			frames = append(frames, flow.Frame{Data: fmt.Append(nil, i+len(ends), " ", strings.Repeat("x", rand.IntN(400)))})
			ends = append(ends, len(frames))
		}
		changed := q.Changed()
		n, ticket := q.Add(frames, 0, ends)
		if n == 0 {
			<-changed
			continue
		}
		if err := q.Wait(context.Background(), ticket); err != nil {
			fmt.Println("error", err)
		}
		i += n
		fmt.Println("acknowledged", i-1)
	}
}

// TestKill kills a process that uses a queue, again and again: all that was
// acknowledged and not confirmed is there, in order.
func TestKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "q")
	rounds := 15
	if testing.Short() {
		rounds = 4
	}
	next := 0
	for range rounds {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), victim+"="+dir, fmt.Sprint(victim, "_START=", next))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged, confirmed, lines := next-1, -1, 0
		for in := bufio.NewScanner(out); in.Scan(); {
			what, rest, _ := strings.Cut(in.Text(), " ")
			switch n, err := strconv.Atoi(rest); {
			case what == "acknowledged" && err == nil:
				acknowledged = n
			case what == "confirm" && err == nil:
				confirmed = n
			default:
				t.Error(in.Text())
			}
			if lines++; lines == 200 {
				at := time.Duration(rand.IntN(3000)) * time.Microsecond // any moment
				time.AfterFunc(at, func() { _ = cmd.Process.Kill() })
			}
		}
		_ = cmd.Wait() // killed
		s := newScene(t, dir, large)
		got, _ := s.rest()
		var ids []int
		for _, text := range got {
			number, _, _ := strings.Cut(text, " ")
			n, err := strconv.Atoi(number)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, n)
		}
		next = acknowledged + 1
		if len(ids) > 0 {
			next = max(next, ids[len(ids)-1]+1)
			want := make([]int, len(ids))
			for i := range want {
				want[i] = ids[0] + i
			}
			if diff := cmp.Diff(want, ids); diff != "" {
				t.Fatal(diff)
			}
		}
		if acknowledged > confirmed && (len(ids) == 0 || ids[0] > confirmed+1 || ids[len(ids)-1] < acknowledged) {
			t.Fatalf("acknowledged up to %d, confirmed up to %d, but there are %d events: %v", acknowledged, confirmed, len(ids), ids[:min(3, len(ids))])
		}
		s.leave()
	}
}

// someRecords are some of each kind.
func someRecords() []byte {
	p := appendEvent(nil, []flow.Frame{{Data: []byte("one"), Binary: true}})
	p = appendHead(p, place{1, 2})
	p = appendEvent(p, []flow.Frame{{Data: []byte("two")}, {Data: nil}})
	p = appendEvent(p, []flow.Frame{{Data: []byte("three"), Meta: flow.ObjectOf(flow.Field{Key: "x", Value: flow.TextOf("y")})}, {Data: []byte("more")}})
	seal(p, 7)
	return p
}

func FuzzSegment(f *testing.F) {
	good := someRecords()
	f.Add(good, []byte("garbage"), uint8(0))
	f.Add(good, good[:20], uint8(40))
	f.Add([]byte{7, 0, 0, 0, 1, 1, 1, 1, 255, 255, 255, 63, 1}, []byte{7}, uint8(3))
	f.Fuzz(func(t *testing.T, p, between []byte, at uint8) {
		events := 0
		end := records(p, 7, func(body []byte, begin, end int) {
			if begin < 0 || end > len(p) || end-begin != headerSize+len(body) {
				t.Errorf("%d to %d of %d", begin, end, len(p))
			}
			if frames, ok := event(nil, body); ok {
				again := appendEvent(nil, frames)
				if back, ok := event(nil, again[headerSize:]); !ok || len(frames) > 0 && !bytes.Equal(appendEvent(nil, back), again) {
					t.Errorf("%v comes back as %v", frames, back)
				}
				events++
			}
			headOf(body)
		}, func(begin, end int) {
			if begin >= end || end > len(p) {
				t.Errorf("damage from %d to %d", begin, end)
			}
		})
		if end > len(p) {
			t.Errorf("the last record ends at %d", end)
		}
		// What is put between good records damages none of them.
		if bytes.Contains(between, []byte{7, 0, 0, 0}) {
			return
		}
		record := appendEvent(nil, []flow.Frame{{Data: []byte("x")}})
		seal(record, 7)
		n := 0
		records(slices.Concat(record, between, record), 7, func([]byte, int, int) { n++ }, func(int, int) {})
		if n != 2 {
			t.Errorf("%d of 2 around %q", n, between)
		}
	})
}

// FuzzOpen opens a queue on anything, and reads it.
func FuzzOpen(f *testing.F) {
	good := someRecords()
	f.Add(good)
	f.Add(good[:20])
	f.Add(slices.Concat(good, []byte("garbage"), good))
	f.Add([]byte{7, 0, 0, 0, 1, 1, 1, 1, 255, 255, 255, 63, 1})
	f.Fuzz(func(t *testing.T, p []byte) {
		events := 0
		records(p, 7, func(body []byte, _, _ int) {
			if _, ok := event(nil, body); ok {
				events++
			}
		}, func(int, int) {})
		s := reopened(t, (&segment{number: 1, key: 7}).name(), p)
		got, end := s.rest()
		s.Confirm(end)
		if s.cursor.events > uint64(events) {
			t.Errorf("%d events came of %d: %q", s.cursor.events, events, got)
		}
	})
}
