package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/flowrun/flowrun/connectors/file/internal/position"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// follower is a connector that reads files on, as they are written.
type follower struct {
	cfg      *Config
	pattern  bool
	left     []position.Place // where files were left that are not open
	finished []finished
	fresh    bool // nothing was ever read

	// While Run runs:
	host   flow.Host
	stored *position.File
	wake   *wake
	spare  flow.Link // opened before there is a file: the connector is at work
	tails  []*tail
	waits  bool // a file is at the path that is not open yet
	full   bool // and there was no room for it, which was told
	buf    []byte
	frames [1]flow.Frame
}

func newFollower(c *Config) (flow.Connector, error) {
	if _, err := filepath.Match(c.path(), ""); err != nil {
		return nil, &setting.Error{Field: "path", Err: errors.New("the pattern is broken: close each [ with a ], and write \\ before what is meant literally")}
	}
	return &follower{cfg: c, pattern: isPattern(c.path()), fresh: true}, nil
}

// acknowledges reports whether what the flow does not take is read again.
func (f *follower) acknowledges() bool { return f.cfg.Position != "" }

// Prepare implements flow.Preparer. The files need not be there; what is there
// must be good for something.
func (f *follower) Prepare(context.Context, flow.Host) error {
	if f.acknowledges() {
		if err := position.Check(string(f.cfg.Position)); err != nil {
			return err
		}
	}
	if f.pattern {
		return nil
	}
	if _, err := os.Stat(f.cfg.path()); err != nil {
		return nil //nolint:nilerr // it may come
	}
	file, info, err := open(f.cfg.path(), "follow", os.O_RDONLY)
	if err != nil {
		return err
	}
	_ = file.Close() // it was only looked at
	if !info.Mode().IsRegular() {
		return fmt.Errorf("follow %s: it is no plain file: read it without follow", f.cfg.path())
	}
	return nil
}

// Release implements flow.Preparer.
func (f *follower) Release() {}

// Run implements flow.Connector.
func (f *follower) Run(ctx context.Context, host flow.Host) (err error) {
	f.host = host
	if f.acknowledges() {
		f.stored, err = position.Open(ctx, string(f.cfg.Position), f.cfg.Sync, host.Log())
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end came before our turn
		}
		if err != nil {
			return err
		}
		defer f.stored.Close()
		left, begun, err := f.stored.Load()
		if err != nil {
			return err
		}
		f.left, f.fresh = left, !begun
	}
	switch f.spare, err = host.Open(flow.Peer{Path: f.cfg.path()}, nil); {
	case err != nil && !f.pattern:
		return err
	case err != nil:
		host.Log().Warn("no connection is opened", zap.Error(err)) // for files there may be
	}
	f.wake = newWake(f.cfg.path(), time.Duration(f.cfg.PollInterval))
	defer f.wake.close()
	f.buf = make([]byte, chunk)
	err = f.follow(ctx)
	f.letGo(err)
	return err
}

// follow reads until ctx ends or something fails.
func (f *follower) follow(ctx context.Context) error {
	if err := f.resume(); err != nil {
		return err
	}
	var found, stored time.Time // when that was last done
	for ctx.Err() == nil {
		if time.Since(found) >= time.Duration(f.cfg.PollInterval) {
			if err := f.find(); err != nil {
				return err
			}
			found = time.Now()
		}
		more, err := f.round(ctx)
		if err != nil {
			return err
		}
		untilStore := time.Duration(f.cfg.PositionInterval) - time.Since(stored)
		if untilStore <= 0 {
			f.store()
			stored, untilStore = time.Now(), time.Duration(f.cfg.PollInterval)
		}
		if !more && f.wake.wait(ctx, untilStore) {
			found = time.Time{}
		}
	}
	return nil
}

// round reads a piece of each file, so that a long one does not delay the others.
func (f *follower) round(ctx context.Context) (more bool, err error) {
	kept := f.tails[:0:len(f.tails)]
	for i, t := range f.tails {
		if ctx.Err() != nil || t.before != nil && !t.before.atEnd {
			kept = append(kept, t)
			continue
		}
		t.before = nil
		read, err := f.step(t)
		if err == nil && !read && f.isOver(t) {
			if err = f.finish(t); err == nil {
				continue
			}
		}
		if err != nil {
			f.tails = append(kept, f.tails[i:]...)
			return false, err
		}
		more = more || read
		kept = append(kept, t)
	}
	clear(f.tails[len(kept):])
	f.tails = kept
	return more, nil
}

// isOver reports whether nothing more is expected of a file that has been read to
// its end. One that was renamed is read on until it has a successor: its writer
// has not noticed yet.
func (f *follower) isOver(t *tail) bool {
	if !t.gone || time.Since(t.last) < time.Duration(f.cfg.RotateWait) {
		return false
	}
	if f.pattern || f.waits {
		return true
	}
	for _, other := range f.tails {
		if !other.gone {
			return true
		}
	}
	info, err := t.file.Stat()
	return err != nil || links(info) == 0
}

// store notes how far the flow has taken the files. That it fails loses nothing.
func (f *follower) store() {
	if f.stored == nil {
		return
	}
	if err := f.stored.Store(f.places()); err != nil {
		f.host.Log().Warn("the position is not stored: after an abrupt end, events would come again", zap.Error(err))
	}
}

func (f *follower) places() []position.Place {
	all := make([]position.Place, 0, len(f.tails)+len(f.left))
	for _, t := range f.tails {
		all = append(all, t.place())
	}
	return append(all, f.left...)
}

// letGo ends Run.
func (f *follower) letGo(cause error) {
	for _, t := range f.tails {
		t.interrupt(f.host.Abandon(), cause)
	}
	if f.spare != nil {
		f.spare.Close(f.host.Abandon(), cause)
		f.spare = nil
	}
	f.left, f.tails = f.places(), nil
	f.store()
}
