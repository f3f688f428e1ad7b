//go:build unix

package top

import (
	"os"
	"os/signal"
	"syscall"
)

// resizes tells that the terminal may have another size, until stop.
func resizes() (_ <-chan os.Signal, stop func()) {
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	return resized, func() { signal.Stop(resized) }
}
