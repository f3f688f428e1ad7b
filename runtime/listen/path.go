package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/flowrun/flowrun/runtime/flow"
)

// pathSocket is a listener in the file system. Its name goes with it, unless it
// has become another's meanwhile.
type pathSocket struct {
	*net.UnixListener
	path string
	own  fs.FileInfo
	once sync.Once
}

// bindPath opens a socket in the file system. Of several that find a stale one there,
// one after the other looks, and the first has it: a lock on the folder sees to that.
func bindPath(spec flow.ListenSpec) (net.Listener, error) {
	unlock, err := lockFolder(filepath.Dir(spec.Address))
	if err != nil {
		return nil, explainPath(err)
	}
	defer unlock()
	if err := removeStale(spec.Address); err != nil {
		return nil, err
	}
	var refused error
	config := net.ListenConfig{Control: before(&refused, func(fd uintptr) error { return setMode(fd, spec.Mode) })}
	l, err := config.Listen(context.Background(), "unix", spec.Address)
	if refused != nil {
		return nil, fmt.Errorf("mode = %04o: %w", spec.Mode, refused)
	}
	if err != nil {
		return nil, explainPath(err)
	}
	socket := l.(*net.UnixListener)
	socket.SetUnlinkOnClose(false)
	s := &pathSocket{UnixListener: socket, path: spec.Address}
	err = os.Chmod(s.path, spec.Mode) // what the umask took
	if err == nil {
		s.own, err = os.Lstat(s.path)
	}
	if err == nil {
		err = setBacklog(socket, spec.Backlog)
	}
	if err != nil {
		_ = s.Close() // nothing was accepted
		return nil, err
	}
	return s, nil
}

// Close implements net.Listener.
func (s *pathSocket) Close() error {
	s.once.Do(func() {
		if now, err := os.Lstat(s.path); err == nil && os.SameFile(s.own, now) {
			_ = os.Remove(s.path) // what is left over is found stale
		}
	})
	return s.UnixListener.Close()
}

// removeStale removes a socket that nobody serves: its process has been killed.
// Nothing else is removed.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return explainPath(err)
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("there is a file of that name that is no socket: remove it, or choose another path")
	case served(path):
		return errServed
	}
	return os.Remove(path)
}

var errServed = errors.New("a process serves this socket: end it, or choose another path")

func served(path string) bool {
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "unix", path)
	if err == nil {
		_ = conn.Close() // it was only asked
	}
	return !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, fs.ErrNotExist)
}

func explainPath(err error) error {
	if sys := (syscall.Errno)(0); errors.As(err, &sys) {
		switch sys { //nolint:exhaustive // those that a user can do something about
		case syscall.ENOENT:
			return fmt.Errorf("%w: make the folder first", sys)
		case syscall.EINVAL:
			return fmt.Errorf("%w: the path of a socket has 107 bytes at most", sys)
		}
		return sys
	}
	return err
}
