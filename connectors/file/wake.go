package file

import (
	"context"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// wake tells when it is worth looking at the files again: when the system says that
// something happened to one, and at regular times, since it does not say so
// everywhere (network file systems, targets of links).
type wake struct {
	pattern string
	every   time.Duration
	timer   *time.Timer
	notify  *fsnotify.Watcher // nil where the system has none to give
}

func newWake(pattern string, every time.Duration) *wake {
	w := &wake{pattern: pattern, every: every, timer: time.NewTimer(every)}
	w.notify, _ = fsnotify.NewWatcher() // the times do without it
	return w
}

func (w *wake) close() {
	w.timer.Stop()
	if w.notify != nil {
		_ = w.notify.Close()
	}
}

// watch looks at what happens in folders. It is called again and again, since a
// folder may come later, or be replaced.
func (w *wake) watch(folders []string) {
	if w.notify == nil {
		return
	}
	for _, folder := range folders {
		_ = w.notify.Add(folder) // until it is there, the times do
	}
}

// wait returns when there may be something to read; found says that a file
// may have come, gone or changed its name, and that it is time to look for files.
func (w *wake) wait(ctx context.Context, atMost time.Duration) (found bool) {
	w.timer.Reset(min(w.every, atMost))
	var events chan fsnotify.Event
	var errs chan error
	if w.notify != nil {
		events, errs = w.notify.Events, w.notify.Errors
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-w.timer.C:
			return false
		case <-errs: //nolint:errcheck // events were lost, for whatever reason
			return true
		case e := <-events:
			matches, _ := filepath.Match(w.pattern, e.Name)
			switch {
			case !matches:
			case e.Has(fsnotify.Write):
				return false
			default:
				return true
			}
		}
	}
}
