package process

import (
	"context"
	"errors"
	"sync"
)

// maxOutput bounds what is kept of what a process prints.
const maxOutput = 16 << 20

// errEnded is why a wait for output ends that can no longer come.
var errEnded = errors.New("the process has ended")

// Output keeps what a process prints, and tells those who wait for something
// in it. Beyond 16 MiB it forgets what comes.
type Output struct {
	mu    sync.Mutex
	text  []byte
	ended bool
	news  chan struct{} // closed and replaced at each change
}

func newOutput() *Output { return &Output{news: make(chan struct{})} }

// Write is called by os/exec with what the process printed.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p[:min(len(p), maxOutput-len(o.text))]...)
	o.changed()
	return len(p), nil
}

func (o *Output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.changed()
}

func (o *Output) changed() {
	close(o.news)
	o.news = make(chan struct{})
}

// String is all that has been printed so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// Wait returns when enough says that what has been printed will do, or with
// an error when ctx or the process ended before.
func (o *Output) Wait(ctx context.Context, enough func(text string) bool) error {
	for {
		o.mu.Lock()
		text, ended, news := string(o.text), o.ended, o.news
		o.mu.Unlock()
		if enough(text) {
			return nil
		}
		if ended {
			return errEnded
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
