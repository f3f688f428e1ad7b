package process

import (
	"bytes"
	"strings"
	"sync"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/compare"
)

// Output keeps what a process prints, up to a limit, and tells those who wait
// for something in it.
type Output struct {
	mu    sync.Mutex
	limit int
	text  []byte
	over  bool          // there was more than the limit
	news  chan struct{} // closed and replaced at each change
}

func newOutput(limit int) *Output { return &Output{limit: limit, news: make(chan struct{})} }

// Write is called by os/exec with what the process printed.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	room := o.limit - len(o.text)
	o.over = o.over || len(p) > room
	o.text = append(o.text, p[:min(len(p), room)]...)
	close(o.news)
	o.news = make(chan struct{})
	return len(p), nil
}

// Now is what has been printed so far, not to be changed, and a channel that is
// closed when there is more.
func (o *Output) Now() (text []byte, news <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text[:len(o.text):len(o.text)], o.news
}

// Bytes is what has been printed so far, not to be changed.
func (o *Output) Bytes() []byte {
	text, _ := o.Now()
	return text
}

// Overflowed reports whether there was more than the limit.
func (o *Output) Overflowed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.over
}

const (
	tailLines = 30
	tailBytes = 8 << 10
)

// tail is the last lines, for people.
func (o *Output) tail() string {
	text := o.Bytes()
	cut := len(text) > tailBytes
	if cut {
		text = text[len(text)-tailBytes:]
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			text = text[i+1:]
		}
	}
	lines := strings.Split(strings.TrimRight(compare.Readable(text), "\n"), "\n")
	if len(lines) > tailLines {
		lines, cut = lines[len(lines)-tailLines:], true
	}
	shown := strings.Join(lines, "\n")
	if cut {
		shown = "…\n" + shown
	}
	return shown
}
