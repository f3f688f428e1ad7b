package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors/file/internal/disk"
	"github.com/flowrun/flowrun/connectors/file/internal/packed"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// Rotate says when a file that is written makes room for a new one, and what
// becomes of it.
type Rotate struct {
	MaxSize  setting.Size     `hcl:"max_size" min:"1B" doc:"how large a file may become; an event is never split, so one that is larger has a file of its own. Without it, as large as it does"`
	Interval setting.Duration `hcl:"interval" min:"1s" doc:"a new file begins at each multiple of this time since midnight UTC: \"1h\", \"24h\". Without it, at no time"`
	Keep     int              `hcl:"keep" min:"1" max:"10000" doc:"rotated files that are kept; older ones are deleted"`
	MaxTotal setting.Size     `hcl:"max_total" min:"1B" doc:"how much rotated files may take together; the oldest are deleted. Without it, as much as they do"`
	Compress string           `hcl:"compress" oneof:"none|gzip|zstd" doc:"what is done to a file after it was rotated"`
}

// SetDefaults implements flow.Defaulter.
func (r *Rotate) SetDefaults() { r.Keep, r.Compress = 7, packed.None }

func (r *Rotate) check(compression string) error {
	switch {
	case r == nil:
	case r.MaxSize == 0 && r.Interval == 0:
		return &setting.Error{Field: "rotate", Err: errors.New("nothing says when: write max_size or interval")}
	case r.Compress != packed.None && compression != packed.None:
		return &setting.Error{Field: "rotate", Err: errors.New("the file is compressed already: leave compress out")}
	}
	return nil
}

// period is the one that a time is in.
func (r *Rotate) period(at time.Time) time.Time {
	if r.Interval == 0 {
		return time.Time{}
	}
	return at.UTC().Truncate(time.Duration(r.Interval))
}

// stampForm is how the time of its rotation stands in the name of a file. Such names
// sort as the files were written.
const stampForm = "20060102T150405.000000Z"

// archive are the rotated files of one path. What is to be done follows from which
// files there are, also after a crash.
type archive struct {
	path   string
	suffix string // of compressed files, which stands behind the time
	rotate *Rotate
	sync   bool
	last   time.Time // in the name of the youngest; zero before it was looked for
}

func newArchive(path, compression string, r *Rotate, sync bool) *archive {
	a := &archive{path: path, rotate: r, sync: sync}
	if e := packed.Extension(compression); e != "" && strings.HasSuffix(path, e) {
		a.suffix = e
	}
	return a
}

// rotatedFile is one of an archive.
type rotatedFile struct {
	path  string
	at    time.Time
	size  int64
	plain bool // not compressed since it was rotated
}

// list returns the archive's files, the oldest first.
func (a *archive) list() []rotatedFile {
	folder, base := filepath.Split(strings.TrimSuffix(a.path, a.suffix))
	entries, _ := os.ReadDir(filepath.Clean(folder + ".")) // without it, there are none
	var all []rotatedFile
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), base+".")
		if !ours || len(rest) < len(stampForm) {
			continue
		}
		at, err := time.Parse(stampForm, rest[:len(stampForm)])
		extension := rest[len(stampForm):]
		known := extension == a.suffix || extension == packed.Extension(packed.Gzip) || extension == packed.Extension(packed.Zstd)
		info, failed := e.Info()
		if err != nil || failed != nil || !known || !info.Mode().IsRegular() {
			continue
		}
		all = append(all, rotatedFile{filepath.Join(folder, e.Name()), at, info.Size(), extension == a.suffix})
	}
	slices.SortFunc(all, func(a, b rotatedFile) int { return a.at.Compare(b.at) })
	return all
}

// take gives the file at the path its name in the archive, which no other has and
// which is later than all others.
func (a *archive) take() error {
	if a.last.IsZero() {
		if all := a.list(); len(all) > 0 {
			a.last = all[len(all)-1].at
		}
	}
	at := time.Now().UTC().Truncate(time.Microsecond)
	if !at.After(a.last) {
		at = a.last.Add(time.Microsecond) // the clock was set back
	}
	name := strings.TrimSuffix(a.path, a.suffix) + "." + at.Format(stampForm) + a.suffix
	if err := os.Rename(a.path, name); err != nil {
		return fmt.Errorf("rotate %s: %w", a.path, disk.Bare(err))
	}
	a.last = at
	if a.sync {
		return disk.SyncFolder(filepath.Dir(a.path))
	}
	return nil
}

// tidy deletes what is too much and compresses what is to be. It ends with ctx, and
// what it has not done then is done the next time.
func (a *archive) tidy(ctx context.Context, log *zap.Logger) {
	all := a.list()
	total := int64(0)
	for i := len(all) - 1; i >= 0; i-- {
		total += all[i].size
		if len(all)-i > a.rotate.Keep || a.rotate.MaxTotal > 0 && total > int64(a.rotate.MaxTotal) {
			a.remove(all[:i+1], log)
			all = all[i+1:]
			break
		}
	}
	if a.rotate.Compress == packed.None {
		return
	}
	for _, f := range all {
		if !f.plain {
			continue
		}
		if err := a.compress(ctx, f.path); err != nil && ctx.Err() == nil {
			log.Warn("a rotated file is not compressed", zap.Error(err))
		}
	}
}

func (a *archive) remove(files []rotatedFile, log *zap.Logger) {
	for _, f := range files {
		if err := os.Remove(f.path); err != nil {
			log.Warn("a rotated file is not deleted", zap.String("path", f.path), zap.Error(disk.Bare(err)))
		}
		_ = os.Remove(f.path + packed.Extension(a.rotate.Compress) + disk.Temporary) // seldom there
	}
}

// compress replaces a file by a compressed one. Until that is whole and on the disk,
// both are there, and what a crash leaves of it is written over.
func (a *archive) compress(ctx context.Context, path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("compress %s: %w", path, disk.Bare(err))
		}
	}()
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it is only read
	name := path + packed.Extension(a.rotate.Compress)
	half := name + disk.Temporary
	info, err := from.Stat()
	if err != nil {
		return err
	}
	to, err := os.OpenFile(half, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	err = packed.Copy(ctx, packed.NewPacker(a.rotate.Compress), to, from)
	if err == nil {
		err = to.Sync()
	}
	if closed := to.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(half, name)
	}
	if err != nil {
		_ = os.Remove(half)
		return err
	}
	return os.Remove(path)
}
