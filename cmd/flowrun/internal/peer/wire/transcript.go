package wire

import (
	"fmt"
	"sync"
	"time"
)

const maxLines = 40 // of a transcript

// Line is one line of a transcript.
type Line struct {
	At   time.Duration // since the instance began
	Text string
}

// Transcript keeps the last lines of what happens.
type Transcript struct {
	mu     sync.Mutex
	start  time.Time
	lines  []Line // a ring once it is full
	next   int
	before int
}

// NewTranscript returns an empty one, whose time begins now.
func NewTranscript() *Transcript { return &Transcript{start: time.Now()} }

// Add adds a line; it is called from any goroutine.
func (t *Transcript) Add(format string, args ...any) {
	l := Line{time.Since(t.start), fmt.Sprintf(format, args...)}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) < maxLines {
		t.lines = append(t.lines, l)
		return
	}
	t.lines[t.next] = l
	t.next = (t.next + 1) % maxLines
	t.before++
}

// Last returns the last lines, and how many there were before.
func (t *Transcript) Last() ([]Line, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append(append([]Line{}, t.lines[t.next:]...), t.lines[:t.next]...), t.before
}
