// Package ports leases TCP ports to tests, each to one test at a time, among all
// runners of this user on this machine.
//
// A port that was free a moment ago, as `listen on port 0` finds one, is a guess:
// the system gives the same to the next who asks, or to an outgoing connection.
// So ports are taken from below the range from which the system gives, and
// whoever leases one holds a lock on a file of its number, which the system
// releases when the process ends in whatever way. What else may listen there is
// seen by trying.
package ports

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// Ports is where leases come from.
type Ports struct {
	dir       string
	low, high int

	mu   sync.Mutex
	next int
}

// New finds the ports that can be leased.
func New() (*Ports, error) {
	p := &Ports{dir: filepath.Join(leaseRoot(), "flowrun-ports-"+strconv.Itoa(os.Getuid()))}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for leases of ports: %w", err)
	}
	p.low, p.high = unassigned()
	p.next = p.low + rand.IntN(p.high-p.low) //nolint:gosec // only so that runners do not all begin with the same port
	return p, nil
}

// leaseRoot is the same folder for all runners, whatever TMPDIR says.
func leaseRoot() string {
	const shared = "/tmp"
	if info, err := os.Stat(shared); err == nil && info.IsDir() {
		return shared
	}
	return os.TempDir()
}

// unassigned is a range of ports that the system does not give by itself.
func unassigned() (low, high int) {
	low, high = 20000, 32768
	var from, to int
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return low, high
	}
	if n, _ := fmt.Sscan(string(text), &from, &to); n < 2 {
		return low, high
	}
	switch {
	case from-10000 >= 2000:
		return max(10000, min(from, 50000)-15000), from
	case 65000-to >= 2000:
		return to + 1, 65000
	}
	return low, high // trying must do
}

// Leases are the ports of one test. One goroutine uses them.
type Leases struct {
	from  *Ports
	locks []*os.File
}

// Leases are those of one more test; none yet.
func (p *Ports) Leases() *Leases { return &Leases{from: p} }

// errNoPort says that all ports are taken.
var errNoPort = errors.New("no port is free")

// Take finds a port that nobody else has.
func (l *Leases) Take() (int, error) {
	p := l.from
	p.mu.Lock()
	defer p.mu.Unlock()
	for range p.high - p.low {
		port := p.next
		if p.next++; p.next == p.high {
			p.next = p.low
		}
		lock, err := os.OpenFile(filepath.Join(p.dir, strconv.Itoa(port)), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return 0, fmt.Errorf("make the lock of port %d: %w", port, err)
		}
		if tryLock(lock) && unused(port) {
			l.locks = append(l.locks, lock)
			return port, nil
		}
		_ = lock.Close() // and with it the lock
	}
	return 0, errNoPort
}

// Release gives all ports back.
func (l *Leases) Release() {
	for _, lock := range l.locks {
		_ = lock.Close()
	}
	l.locks = nil
}

// Forking is held while a port is tried, and is to be held while a process is
// started: until its exec that has a copy of every socket, and what is listened on
// for a moment would be listened on by it, too.
var Forking sync.Mutex

// unused tries to listen on a port. That also fails where somebody listens on
// all addresses.
func unused(port int) bool {
	Forking.Lock()
	defer Forking.Unlock()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}
