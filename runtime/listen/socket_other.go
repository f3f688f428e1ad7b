//go:build !unix

package listen

import (
	"errors"
	"io/fs"
	"net"

	"github.com/flowrun/flowrun/runtime/setting"
)

func setOptions(_ uintptr, o setting.SocketOptions) error {
	if o.ReusePort {
		return errors.New("socket_options.reuse_port: this system has no such option")
	}
	return nil
}

func setMode(uintptr, fs.FileMode) error { return nil }

func lockFolder(string) (unlock func(), err error) { return func() {}, nil }

func setBacklog(_ net.Listener, backlog int) error {
	if backlog > 0 {
		return errors.New("this system decides on it alone: leave the argument out")
	}
	return nil
}
