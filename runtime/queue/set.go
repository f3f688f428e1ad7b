package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.uber.org/zap"
)

// Set is the persistent queues of a process. Who opens a directory that is open in it
// gets the same queue: so a connector that is started anew takes over from the one
// before, which may still be ending.
type Set struct {
	mu   sync.Mutex
	open map[string]*Queue // by directory
}

// NewSet returns a set of none.
func NewSet() *Set { return &Set{open: map[string]*Queue{}} }

// Open opens the queue in a directory, which it makes if need be, within limits, and
// reads what is there. What is found damaged is told of. It fails where another
// process has the directory. Each call is for one Close.
func (s *Set) Open(dir string, l Limits, log *zap.Logger) (*Queue, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.open[dir]
	if q == nil {
		q, err = open(dir, l, log)
		if err != nil {
			return nil, fmt.Errorf("open the queue in %s: %w", dir, bare(err))
		}
		s.open[dir] = q
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.opened++
	q.limits, q.disk.limit, q.disk.log = l, segmentLimit(l), log
	return q, nil
}

// Close closes a queue for one of those who have opened it. With the last one,
// nothing is added or read any more, and another process can have the directory.
func (s *Set) Close(q *Queue) (last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last = q.close(); last {
		delete(s.open, q.disk.dir)
	}
	return last
}

func (q *Queue) close() (last bool) {
	q.reading.Lock()
	defer q.reading.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.opened--; q.opened > 0 || q.closed {
		return false
	}
	q.closed = true
	for q.committing {
		changed := q.change()
		q.mu.Unlock()
		<-changed
		q.mu.Lock()
	}
	if t := q.pending; t != nil { // who added it is not waiting yet
		q.events -= t.events
		q.pending, t.err = nil, ErrClosed
		close(t.done)
	}
	q.writeHead()
	q.disk.close(q.events == 0)
	q.notify()
	return true
}

func segmentLimit(l Limits) int64 { return min(max(l.Bytes/8, minSegment), maxSegment) }

// lockName is the file that says by its lock whether a process has the directory, and
// by what is in it, which one.
const lockName = "lock"

func open(dir string, l Limits, log *zap.Logger) (q *Queue, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	d := &disk{dir: dir, log: log, told: map[place]bool{}, limit: segmentLimit(l)}
	if d.lock, err = lock(filepath.Join(dir, lockName)); err != nil {
		return nil, err
	}
	q = &Queue{limits: l, disk: d}
	if err := q.load(); err != nil {
		d.close(false)
		return nil, err
	}
	return q, nil
}

// errTaken is what lock fails with.
type errTaken struct{ pid string }

func (e errTaken) Error() string {
	who := "another process"
	if e.pid != "" {
		who += " (" + e.pid + ")"
	}
	return who + " uses it: end that one, or give each a directory of its own"
}

// lock opens a file that one process at a time has.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if !tryLock(f) {
		var pid [20]byte
		n, _ := f.Read(pid[:])
		_ = f.Close()
		return nil, errTaken{strings.TrimSpace(string(pid[:n]))}
	}
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0) // to be told, no more
	return f, nil
}

// load reads what is on the disk, the newest segment first: a head is in the segment
// of its event or in a later one.
func (q *Queue) load() error {
	d := q.disk
	all, err := list(d.dir)
	if err != nil {
		return err
	}
	for i, s := range slices.Backward(all) {
		if err := s.open(d.dir); err != nil {
			return err
		}
		if s.number < q.head.at.segment {
			s.remove() // nobody had the time
			continue
		}
		d.segments = slices.Insert(d.segments, 0, s)
		if err := q.loadSegment(s, i == len(all)-1); err != nil {
			return err
		}
	}
	if n := len(all); n > 0 {
		d.newest = all[n-1].number
		if first := (place{segment: d.segments[0].number}); q.head.at.before(first) {
			q.head.at = first
		}
	}
	q.head.at = d.trim(q.head.at)
	q.cursor = q.head
	if q.events > 0 {
		d.log.Info("events of an earlier process are in the queue", zap.String("directory", d.dir), zap.Int("events", q.events), zap.Int64("bytes", q.size()))
	}
	return nil
}

func (q *Queue) loadSegment(s *segment, newest bool) error {
	d := q.disk
	p, err := os.ReadFile(s.file.Name())
	if err != nil {
		return err
	}
	var begins []int
	type hole struct{ begin, end int }
	var holes []hole
	end := records(p, s.key, func(body []byte, begin, _ int) {
		if head, ok := headOf(body); ok {
			if q.head.at.before(head) {
				q.head.at = head
			}
			return
		}
		begins = append(begins, begin)
	}, func(begin, end int) { holes = append(holes, hole{begin, end}) })
	confirmed := func(at int) bool { return place{s.number, int64(at)}.before(q.head.at) }
	for _, begin := range begins {
		if !confirmed(begin) {
			q.events++
		}
	}
	switch {
	case end == len(p):
	case newest:
		if err := s.file.Truncate(int64(end)); err != nil {
			return err
		}
		d.log.Warn("the last write to the queue was cut short when its process ended: what was in it was not acknowledged, and is removed",
			zap.String("directory", d.dir), zap.String("file", s.name()), zap.Int("bytes", len(p)-end))
		p = p[:end]
	default:
		holes = append(holes, hole{end, len(p)})
	}
	for _, h := range holes {
		if !confirmed(h.begin) {
			d.damaged(s, int64(h.begin), int64(h.end))
		}
	}
	s.size = int64(len(p))
	d.total += s.size
	return nil
}
