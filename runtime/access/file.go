package access

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

const (
	lookEvery = time.Second // how often a file is looked at, at most
	maxFile   = 64 << 20    // bytes of a file with credentials
)

// file is a file that is read again when it has changed, also by a rename over
// it or over a link that leads to it. While it cannot be used (it is half
// written, it has gone), its last good content stays in use.
type file[T any] struct {
	field string // the argument, for messages
	path  setting.Path
	parse func(text []byte) (T, error) // its errors hold nothing of text
	value atomic.Pointer[T]
	log   atomic.Pointer[zap.Logger]

	mu     sync.Mutex // held by who looks at the file
	looked time.Time
	now    os.FileInfo // of what was read last, good or bad
	failed string      // why it could not be used
}

// openFile reads a file for the first time. Until start, nothing is logged.
func openFile[T any](field string, path setting.Path, parse func([]byte) (T, error)) (*file[T], error) {
	f := &file[T]{field: field, path: path, parse: parse}
	f.log.Store(zap.NewNop())
	if err := f.read(); err != nil {
		return nil, &setting.Error{Field: field, Err: err}
	}
	return f, nil
}

// start says where to tell what becomes of the file.
func (f *file[T]) start(log *zap.Logger) { f.log.Store(log) }

// get is the content as of the last second. Nobody waits for who is just
// reading.
func (f *file[T]) get() T {
	if f.mu.TryLock() {
		defer f.mu.Unlock()
		if now := time.Now(); now.Sub(f.looked) >= lookEvery {
			f.looked = now
			f.look()
		}
	}
	return *f.value.Load()
}

// look reads the file if it has changed.
func (f *file[T]) look() {
	info, err := os.Stat(string(f.path))
	if err == nil && f.now != nil && os.SameFile(info, f.now) && info.ModTime().Equal(f.now.ModTime()) && info.Size() == f.now.Size() {
		return
	}
	if err = f.read(); err == nil {
		f.failed = ""
		f.log.Load().Info("a file has changed and is in use", zap.String("argument", f.field), zap.String("file", string(f.path)))
		return
	}
	if text := err.Error(); text != f.failed {
		f.failed = text
		f.log.Load().Warn("a file has changed and cannot be used, its old content stays in use", zap.String("argument", f.field), zap.Error(err))
	}
}

func (f *file[T]) read() error {
	f.now = nil
	in, err := os.Open(string(f.path))
	if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
		return fmt.Errorf("cannot read %s: %w", f.path, cause.Err)
	}
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", f.path, err)
	}
	defer in.Close() //nolint:errcheck // it was only read
	if info, err := in.Stat(); err == nil {
		f.now = info
	}
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	switch cause := (*fs.PathError)(nil); {
	case errors.As(err, &cause):
		return fmt.Errorf("cannot read %s: %w", f.path, cause.Err)
	case err != nil:
		return fmt.Errorf("cannot read %s: %w", f.path, err)
	case len(text) > maxFile:
		return fmt.Errorf("%s is longer than 64 MiB", f.path)
	}
	value, err := f.parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	f.value.Store(&value)
	return nil
}
