package encode

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// joiner is a collect of at most so many bytes.
type joiner struct {
	most int
	held []byte
}

func (j *joiner) Collects() (int, time.Duration) { return j.most, time.Second }

func (j *joiner) Process(p []byte, emit func([]byte) error) (err error) {
	if len(j.held) > 0 && len(j.held)+len(p) > j.most {
		err = j.Finish(emit)
	}
	j.held = append(j.held, p...)
	return err
}

func (j *joiner) Finish(emit func([]byte) error) error {
	all := j.held
	if j.held = nil; len(all) == 0 {
		return nil
	}
	return emit(all)
}

// halver makes two messages of one, and none of one that says so.
type halver struct{}

func (halver) Process(p []byte, emit func([]byte) error) error {
	if bytes.Contains(p, []byte("!")) {
		return &flow.Loss{Err: errors.New("it does not want to"), Raw: p}
	}
	return errors.Join(emit(p[:len(p)/2]), emit(p[len(p)/2:]))
}

func (halver) Finish(func([]byte) error) error { return nil }

func collector(most int, behind ...flow.Processor) *Collector {
	tail := []flow.ProcessorUse{{New: func() flow.Processor { return &joiner{most: most} }}}
	for _, p := range behind {
		tail = append(tail, flow.ProcessorUse{New: func() flow.Processor { return p }})
	}
	return NewCollector(&Terms{Tail: tail})
}

func (c *Collector) collect(events ...flow.Frame) (made []string) {
	c.Collect(len(events), func(i int) []flow.Frame { return events[i : i+1] })
	for _, f := range c.Frames {
		made = append(made, string(f.Data))
	}
	return made
}

func frames(texts ...string) (fs []flow.Frame) {
	for _, s := range texts {
		fs = append(fs, flow.Frame{Data: []byte(s)})
	}
	return fs
}

func TestCollect(t *testing.T) {
	c := collector(4)
	if made := c.collect(frames("a", "bc", "d", "ef", "123456", "g")...); !slices.Equal(made, []string{"abcd", "ef", "123456", "g"}) {
		t.Errorf("made %q", made)
	}
	var done []int
	for n := range 5 {
		done = append(done, c.Done(n))
	}
	if !slices.Equal(done, []int{0, 3, 4, 5, 6}) {
		t.Errorf("of the frames, %v are done with", done)
	}
	if from, to := c.Of(1); from != 3 || to != 4 {
		t.Errorf("in the second frame are %d to %d", from, to)
	}
}

// Frames of another kind, or for which the flow wrote something else, leave apart.
func TestCollectAlike(t *testing.T) {
	wrote := func(s string) *flow.Object {
		return flow.ObjectOf(flow.Field{Key: "ws_client", Value: flow.TextOf(s)})
	}
	fs := frames("a", "b", "c", "d", "e")
	fs[1].Meta, fs[2].Meta, fs[3].Meta = wrote("x"), wrote("x"), wrote("y")
	fs[4].Meta, fs[4].Binary = wrote("y"), true
	c := collector(100)
	if made := c.collect(fs...); !slices.Equal(made, []string{"a", "bc", "d", "e"}) {
		t.Errorf("made %q", made)
	}
	if !c.Frames[3].Binary || c.Frames[2].Binary || !flow.MapOf(c.Frames[1].Meta).Equal(flow.MapOf(wrote("x"))) || c.Frames[0].Meta != nil {
		t.Errorf("made %+v", c.Frames)
	}
}

// What stands behind may make several of one, or none.
func TestCollectWithOthersBehind(t *testing.T) {
	c := collector(4, halver{})
	if made := c.collect(frames("ab", "cd", "e!", "fg", "hi", "jk", "!", "l")...); !slices.Equal(made, []string{"hi", "jk"}) && !slices.Equal(made, []string{"ab", "cd", "hi", "jk"}) {
		t.Errorf("made %q", made)
	}
	var lost []int
	c.Lost(func(i int, why error) {
		if !strings.Contains(why.Error(), "want") {
			t.Error(why)
		}
		lost = append(lost, i)
	})
	if !slices.Equal(lost, []int{2, 3, 6, 7}) {
		t.Errorf("lost are %v", lost)
	}
	if c.Done(1) != 0 || c.Done(len(c.Frames)) != 8 {
		t.Errorf("%d and %d are done with", c.Done(1), c.Done(len(c.Frames)))
	}
}
