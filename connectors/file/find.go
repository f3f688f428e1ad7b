package file

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/connectors/file/internal/disk"
	"github.com/flowrun/flowrun/connectors/file/internal/position"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// isPattern reports whether a path may mean several files.
func isPattern(path string) bool { return strings.ContainsAny(path, `*?[\`) }

// find opens the files that have come and notices those that have gone.
func (f *follower) find() error {
	candidates := f.candidates()
	there := make(map[position.Identity]bool, len(candidates))
	f.waits = false
	for _, c := range candidates {
		id := position.IdentityOf(c.info)
		there[id] = true
		if t := f.tailOf(id); t != nil {
			t.path, t.gone = c.path, false
			continue
		}
		t, err := f.add(c.path, c.path)
		if err != nil {
			return err
		}
		if t != nil {
			there[t.id] = true
		}
		f.waits = t == nil
	}
	for _, t := range f.tails {
		if !there[t.id] && !t.gone {
			t.gone, t.last = true, time.Now()
		}
	}
	if f.fresh {
		f.fresh = false
		f.store() // what `start` has decided holds after an abrupt end, too
	}
	return nil
}

// add opens the file at a path, which was called so when it was written; nil when it
// has to wait, cannot be read, or is not there any more.
func (f *follower) add(path, called string) (*tail, error) {
	if f.isFull(path) {
		return nil, nil //nolint:nilnil // as said
	}
	t, err := f.open(path, called)
	if err != nil && f.pattern {
		f.host.Log().Warn("a file is not read", zap.Error(err))
		return nil, nil //nolint:nilnil // as said
	}
	if t == nil || err != nil {
		return nil, err
	}
	// From here on the file is ours, whatever becomes of its path.
	if !f.pattern && path == called && t.isNew {
		// Those before it come first, even if it has to wait for them.
		if all, err := f.addMissed(path, t.id); !all || f.isFull(path) {
			t.interrupt(f.host.Abandon(), err)
			return nil, err
		}
	}
	for _, other := range f.tails {
		if other.path == called {
			t.before, other.atEnd = other, false // it may have grown since it was looked at
		}
	}
	f.tails = append(f.tails, t)
	return t, nil
}

// isFull reports whether no more files may be open: the one at path has to wait, which
// is told when it begins, and not of each file at each look.
func (f *follower) isFull(path string) bool {
	full := len(f.tails) >= f.cfg.MaxFiles
	if full && !f.full {
		f.host.Log().Warn("max_files are being read: others wait until one of these is gone", zap.Int("max_files", f.cfg.MaxFiles), zap.String("path", path))
	}
	f.full = full
	return full
}

// links is how many names a file has.
func links(info fs.FileInfo) int {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return int(s.Nlink) //nolint:gosec // no file has so many
}

// candidate is a file at a path of the pattern.
type candidate struct {
	path string
	info fs.FileInfo
}

// candidates are the plain files that are there, the one first that was written
// to longest ago.
func (f *follower) candidates() []candidate {
	paths := []string{f.cfg.path()}
	folders := []string{filepath.Dir(f.cfg.path())}
	if f.pattern {
		paths, _ = filepath.Glob(f.cfg.path()) // that it is a pattern was checked
		folders = f.folders()
	}
	f.wake.watch(folders)
	var all []candidate
	for _, path := range paths {
		if own := string(f.cfg.Position); own != "" && (path == own || path == own+disk.Temporary) {
			continue
		}
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() {
			all = append(all, candidate{path, info})
		}
	}
	byTime(all)
	return all
}

// folders are those that files of the pattern can be in.
func (f *follower) folders() []string {
	folder := filepath.Dir(f.cfg.path())
	if !isPattern(folder) {
		return []string{folder}
	}
	all, _ := filepath.Glob(folder)
	return all[:min(len(all), f.cfg.MaxFiles)]
}

func (f *follower) tailOf(id position.Identity) *tail {
	for _, t := range f.tails {
		if t.id == id {
			return t
		}
	}
	return nil
}

// open begins to follow the file at a path, which was called so when it was written;
// nil when it is being followed, or gone.
func (f *follower) open(path, called string) (*tail, error) {
	file, info, err := open(path, "follow", os.O_RDONLY)
	if err != nil {
		if _, gone := os.Stat(path); gone != nil {
			return nil, nil //nolint:nilnil // it went away meanwhile
		}
		return nil, err
	}
	id := position.IdentityOf(info)
	if !info.Mode().IsRegular() || f.tailOf(id) != nil {
		_ = file.Close()
		return nil, nil //nolint:nilnil // it is another one meanwhile
	}
	t := &tail{path: called, id: id, file: file, last: time.Now(), time: info.ModTime()}
	if err := t.beginAt(f.beginning(t, info.Size())); err != nil {
		_ = file.Close()
		return nil, err
	}
	if t.link, err = f.link(called); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("follow %s: %w", path, err)
	}
	return t, nil
}

// link opens a link, or takes the one that was opened before there was a file.
func (f *follower) link(path string) (flow.Link, error) {
	if l := f.spare; l != nil && !f.pattern {
		f.spare = nil
		return l, nil
	}
	return f.host.Open(flow.Peer{Path: path}, nil)
}

// beginning is where to begin in a file: where it was left, or else where
// `start` says, which concerns what is there before anything was ever read.
func (f *follower) beginning(t *tail, size int64) int64 {
	for i, p := range f.left {
		if p.Identity() == t.id {
			f.left = slices.Delete(f.left, i, i+1)
			if p.Fits(t.file, size) {
				return p.Offset
			}
			return 0
		}
	}
	t.isNew = true
	if f.fresh && f.cfg.Start == startEnd {
		return size
	}
	return 0
}

// resume looks for files that were not read to their end, and are no longer where
// they were: they were renamed while nobody looked. They are in the same folder, or
// what is left of them is lost.
func (f *follower) resume() error {
	there := map[position.Identity]bool{}
	for _, c := range f.candidates() {
		there[position.IdentityOf(c.info)] = true
	}
	for _, p := range slices.Clone(f.left) {
		if there[p.Identity()] {
			continue
		}
		path := f.renamed(&p)
		if path == "" {
			f.left = slices.DeleteFunc(f.left, func(o position.Place) bool { return o == p })
			f.host.Log().Warn("a file is gone: whether it was read to its end is not known",
				zap.String("path", p.Path), zap.Int64("read", p.Offset))
			continue
		}
		t, err := f.add(path, p.Path)
		if err != nil {
			return err
		}
		if t != nil {
			t.gone = true // its successor waits for it
		}
	}
	return nil
}

// renamed returns where a file is now, "" when it is not to be found.
func (f *follower) renamed(p *position.Place) string {
	folder := filepath.Dir(p.Path)
	entries, _ := os.ReadDir(folder) // without it, nothing is found
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || position.IdentityOf(info) != p.Identity() {
			continue
		}
		path := filepath.Join(folder, e.Name())
		file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return ""
		}
		fits := p.Fits(file, info.Size())
		_ = file.Close() // it was only read
		if fits {
			return path
		}
	}
	return ""
}
