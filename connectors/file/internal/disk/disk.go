// Package disk has what all that touches files needs: errors that can be told, and
// names that last.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Temporary is put behind the name of a file while it is written that is to replace
// another, or to appear, in one step.
const Temporary = ".new"

// Bare removes operation and path, which our own message names.
func Bare(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	switch {
	case errors.Is(err, syscall.EISDIR):
		return errors.New("it is a folder: name a file in it")
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: the process may not do that, change the file's owner or mode", err)
	}
	return err
}

// SyncFolder makes what was renamed or created in a folder last.
func SyncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // it was only read
	return d.Sync()
}
