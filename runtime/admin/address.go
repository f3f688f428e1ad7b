package admin

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// resolve finds the address to bind. Whether it is of the loopback interface is
// decided by what is bound, not by how it is written.
func resolve(address string) (*net.TCPAddr, error) {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return nil, fmt.Errorf("admin %q is no address: write host and port, like 127.0.0.1:8686", address)
	}
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("admin %q is no address: %w", address, err)
	}
	return resolved, nil
}

// cause says what an error of bind means and what to do about it.
func cause(err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		err = op.Err // leaves out the address, which the caller says
	}
	if sys := (syscall.Errno)(0); errors.As(err, &sys) {
		if sys == syscall.EADDRINUSE {
			return fmt.Errorf("%w: end the process that listens there, or choose another port; the API shares none with connectors", sys)
		}
		return sys
	}
	return err
}
