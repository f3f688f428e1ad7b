package file

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/flowrun/flowrun/connectors/file/internal/position"
)

// Files can come and be renamed again while nobody looks: during a long wait for
// the flow to take something, or while the process does not run. They are found by
// what they are called, and by when they were written.

// rotated matches what is put behind the name of a file that is rotated: ".1",
// "-20261128", ".2026-11-28T10:15", ".old".
var rotated = regexp.MustCompile(`^[._-](\d[\d._:TZ+-]*|old)$`)

// finished is a file that was read to its end and let go.
type finished struct {
	id       position.Identity
	modified int64
}

// maxFinished is how many of them are remembered: enough for those that were
// written to within one tick of the file system's clock.
const maxFinished = 16

// addMissed opens what was missed when another file is at the path than before. It is
// false while some of that has to wait.
func (f *follower) addMissed(path string, now position.Identity) (all bool, err error) {
	for _, c := range f.missed(path, now) {
		if f.isCopy(c.path) {
			continue
		}
		if f.isFull(c.path) {
			return false, nil
		}
		t, err := f.add(c.path, path)
		if err != nil {
			return false, err
		}
		if t != nil {
			t.gone = true
		}
	}
	return true, nil
}

// missed are files that were at the path after the one that was read last, which is
// no more, and before the one that is there now; in the order in which they were
// written.
func (f *follower) missed(path string, now position.Identity) []candidate {
	since, any := f.lastModified(path)
	if !any {
		return nil
	}
	folder, base := filepath.Split(path)
	entries, _ := os.ReadDir(folder) // without it, nothing is found
	var all []candidate
	for _, e := range entries {
		name := e.Name()
		if len(name) <= len(base) || name[:len(base)] != base || !rotated.MatchString(name[len(base):]) {
			continue
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || info.ModTime().UnixNano() < since {
			continue
		}
		id := position.IdentityOf(info)
		if id == now || f.tailOf(id) != nil || slices.Contains(f.finished, finished{id, info.ModTime().UnixNano()}) {
			continue
		}
		all = append(all, candidate{filepath.Join(folder, name), info})
	}
	byTime(all)
	return all
}

// lastModified is when the last of the files that were at the path was written to,
// as far as is known.
func (f *follower) lastModified(path string) (at int64, any bool) {
	for _, t := range f.tails {
		if t.path == path {
			at, any = max(at, t.modified()), true
		}
	}
	for _, p := range f.left {
		if p.Path == path {
			at, any = max(at, p.Modified), true
		}
	}
	for _, d := range f.finished {
		at, any = max(at, d.modified), true
	}
	return at, any
}

// isCopy reports whether a file begins as one that is read: it is a copy of it.
func (f *follower) isCopy(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // it was only read
	head := make([]byte, position.HeadSize)
	n, _ := file.ReadAt(head, 0)
	for _, t := range f.tails {
		if len(t.head) > 0 && bytes.HasPrefix(head[:n], t.head) {
			return true
		}
	}
	return false
}

// modified is when the file was last written to.
func (t *tail) modified() int64 {
	if info, err := t.file.Stat(); err == nil {
		t.time = info.ModTime()
	}
	return t.time.UnixNano()
}

// remember notes a file that is let go.
func (f *follower) remember(t *tail) {
	if len(f.finished) == maxFinished {
		f.finished = slices.Delete(f.finished, 0, 1)
	}
	f.finished = append(f.finished, finished{t.id, t.modified()})
}

func byTime(all []candidate) {
	slices.SortStableFunc(all, func(a, b candidate) int { return a.info.ModTime().Compare(b.info.ModTime()) })
}
