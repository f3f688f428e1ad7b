// Package watch tells when the files of flows have other content than when they
// were last read.
//
// It watches the folders that they are in, and those of the links that lead
// there: a file may be replaced by another one (as editors do), or a link may come
// to lead elsewhere (as Kubernetes does with what it mounts). What counts is what
// the files hold: touching one, or writing beside it, is no change.
package watch

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"

	"github.com/flowrun/flowrun/flows/folder"
	"github.com/flowrun/flowrun/flows/source"
)

// Watcher watches the files of the flows of one process.
type Watcher struct {
	// Changes gets one element for what has changed since it was last read.
	Changes chan struct{}

	notify *fsnotify.Watcher
	paths  []string // of flows and var-files, as they were given
	log    *zap.Logger

	mu    sync.Mutex
	files []string // that make the flows, and folders
	read  Content  // of these, when they were last read
}

// Content is what files hold, and which are in a folder, as hashes.
type Content map[string][sha256.Size]byte

// The waits for whoever is writing: a change is looked at when nothing has
// happened for a moment, or some time after it began.
const (
	quiet   = 100 * time.Millisecond
	atLast  = time.Second
	maxLink = 40 // links to follow from one path
)

// New begins to watch flows and var-files, which are at paths and have been read
// from files. Close ends it.
func New(paths, files []string, log *zap.Logger) (*Watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch the files of the flows: %w", err)
	}
	w := &Watcher{Changes: make(chan struct{}, 1), notify: notify, paths: paths, log: log}
	w.HasRead(Content{}, files)
	return w, nil
}

// Close ends the watch.
func (w *Watcher) Close() { _ = w.notify.Close() }

// Run tells of changes until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	look := time.NewTimer(0)
	look.Stop()
	defer look.Stop()
	var began time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-w.notify.Events:
			if !open {
				return
			}
			if began.IsZero() {
				began = time.Now()
			}
			look.Reset(min(quiet, time.Until(began.Add(atLast))))
		case err, open := <-w.notify.Errors:
			if !open {
				return
			}
			w.log.Warn("changes of files may have been missed", zap.Error(err))
			look.Reset(quiet)
		case <-look.C:
			began = time.Time{}
			w.look()
		}
	}
}

// look tells when the files have changed.
func (w *Watcher) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if maps.Equal(contentOf(w.files), w.read) {
		return
	}
	select {
	case w.Changes <- struct{}{}:
	default: // it has been told already
	}
}

// AboutToRead is called before the flows are read, and HasRead afterwards, with
// what it returned, and with the files that they were read from. Nobody else may
// read them in between. What they hold now is no change any more, however long the
// reading takes and whatever happens beside them meanwhile.
func (w *Watcher) AboutToRead() Content {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.Changes:
	default:
	}
	w.read = contentOf(w.files)
	return w.read
}

// HasRead notes what has been read, and watches it from now on.
func (w *Watcher) HasRead(before Content, files []string) {
	w.mu.Lock()
	w.files = filesOf(w.paths, files)
	w.follow()
	w.read = contentOf(w.files)
	for name, hash := range before {
		if _, still := w.read[name]; still {
			w.read[name] = hash
		}
	}
	w.mu.Unlock()
	w.look() // what has changed since then is seen now
}

// filesOf lists what flows are made of: what they were read from, and the folders
// in which others may be added.
func filesOf(paths, files []string) []string {
	alone := map[string]bool{} // folders of flows that are one file
	all := map[string]bool{}
	for _, path := range paths {
		path = absolute(path)
		all[path] = true
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			alone[filepath.Dir(path)] = true
		}
	}
	for _, name := range files {
		name = absolute(name)
		all[name] = true
		if dir := filepath.Dir(name); !alone[dir] {
			all[dir] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// contentOf reads files, and lists folders. What cannot be read has no content.
func contentOf(files []string) Content {
	c := make(Content, len(files))
	for _, name := range files {
		var text []byte
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			list, _ := folder.FilesIn(name)
			text = []byte(strings.Join(list, "\n"))
		} else if text, err = source.Read(name); err != nil {
			text = []byte(err.Error())
		}
		c[name] = sha256.Sum256(text)
	}
	return c
}

// follow watches the folders that matter, and no others.
func (w *Watcher) follow() {
	folders := map[string]bool{}
	for _, f := range w.files {
		trail(f, folders, maxLink)
		if info, err := os.Stat(f); err == nil && info.IsDir() {
			trail(filepath.Join(f, "any"), folders, maxLink)
		}
	}
	for _, old := range w.notify.WatchList() {
		if !folders[old] {
			_ = w.notify.Remove(old) // it may be gone
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		if err := w.notify.Add(folder); err != nil {
			w.log.Warn("a folder cannot be watched: changes in it are found with the next SIGHUP", zap.String("folder", folder), zap.Error(err))
		}
	}
}

// trail adds the folders in which something decides what path is: the folder of
// the file, those of links on the way to it, and of what these lead to.
func trail(path string, folders map[string]bool, links int) {
	dir := filepath.Dir(path)
	if dir == path || links == 0 {
		return
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		trail(dir, folders, links-1) // it may come to be
		return
	}
	folders[real] = true
	if to, err := os.Readlink(path); err == nil {
		if !filepath.IsAbs(to) {
			to = filepath.Join(real, to)
		}
		trail(to, folders, links-1)
	}
	if real != dir {
		trail(dir, folders, links-1)
	}
}
