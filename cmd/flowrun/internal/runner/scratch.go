package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/flowrun/flowrun/runtime/setting"
)

// scratch copies the folder of a test to a new one, with modes. Links within
// the folder stay links; what a link to elsewhere leads to is copied, so that
// nothing that the test does can reach it. limit bounds its size, files their
// number.
func scratch(from, name string, limit setting.Size, files int) (dir string, err error) {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name)
	if dir, err = os.MkdirTemp("", "flowrun-test-"+name[:min(len(name), 60)]+"-"); err != nil {
		return "", fmt.Errorf("make a scratch folder: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	c := &copier{room: int64(limit), limit: limit, files: files}
	if c.root, err = filepath.EvalSymlinks(from); err == nil {
		err = c.folder(c.root, dir, 0)
	}
	if err != nil {
		removeAll(dir)
		return "", fmt.Errorf("copy the folder of the test: %w", err)
	}
	return dir, nil
}

// removeAll removes a folder, even where the test has taken away the right to.
func removeAll(dir string) {
	if os.RemoveAll(dir) == nil {
		return
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	_ = os.RemoveAll(dir) // in the system's folder for what is temporary
}

type copier struct {
	root  string
	room  int64
	limit setting.Size
	files int // so many may still come
}

const maxNesting = 20 // of folders: links to elsewhere may lead round in a circle

func (c *copier) folder(from, to string, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("%s: more than %d folders are in each other", from, maxNesting)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := c.entry(filepath.Join(from, e.Name()), filepath.Join(to, e.Name()), depth); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) entry(from, to string, depth int) error {
	if c.files--; c.files < 0 {
		return errors.New("there are too many files in it; max_files of the test sets how many may be")
	}
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if target, ok := c.inside(from); ok {
			return os.Symlink(target, to)
		}
		if info, err = os.Stat(from); errors.Is(err, fs.ErrNotExist) {
			return nil // it leads nowhere
		} else if err != nil {
			return err
		}
	}
	switch {
	case info.IsDir():
		if err := os.Mkdir(to, 0o700); err != nil {
			return err
		}
		if err := c.folder(from, to, depth+1); err != nil {
			return err
		}
		return os.Chmod(to, info.Mode().Perm()|0o700)
	case info.Mode().IsRegular():
		return c.file(from, to, info.Mode().Perm())
	}
	return nil // sockets and pipes are made by those who use them
}

// inside returns where a link leads that stays within the folder: as it is
// written, if it is relative.
func (c *copier) inside(link string) (target string, ok bool) {
	target, err := os.Readlink(link)
	if err != nil || filepath.IsAbs(target) {
		return "", false
	}
	real, err := filepath.EvalSymlinks(link)
	if err != nil {
		return "", false
	}
	rel, err := filepath.Rel(c.root, real)
	return target, err == nil && filepath.IsLocal(rel)
}

func (c *copier) file(from, to string, mode fs.FileMode) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	n, err := io.Copy(dst, io.LimitReader(src, c.room+1))
	if c.room -= n; c.room < 0 {
		err = fmt.Errorf("it is larger than %s; max_folder of the test sets how large it may be", c.limit)
	}
	return errors.Join(err, dst.Chmod(mode|0o200), dst.Close())
}
