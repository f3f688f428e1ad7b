package flowtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
)

// FreeAddress is an address of TCP and UDP, on this machine, that nobody listens on.
// Nobody takes it, either, before it is used: no other process that asks here, and
// not the system, for somebody who wants any port.
func FreeAddress(t testing.TB) string {
	t.Helper()
	free.mu.Lock()
	defer free.mu.Unlock()
	if free.first == 0 {
		if err := free.take(); err != nil {
			t.Fatal(err)
		}
	}
	// The best are those where no connection of before is remembered, either.
	for _, how := range []net.ListenConfig{{Control: unshared}, {}} {
		for range blockPorts - 1 {
			free.given++
			address := onLoopback(free.first + 1 + free.given%(blockPorts-1))
			if isFree(&how, address) {
				return address
			}
		}
	}
	t.Fatalf("all ports of this process are in use, from %d on", free.first)
	return ""
}

// Ports are given out in blocks, each to one process. All lie below those that systems
// give to who wants any, Linux from 32768 on, and below those that `flowrun test` leases.
const (
	firstPort  = 10_000
	blockPorts = 150
	blocks     = 51
)

var free block

// block is the block of this process.
type block struct {
	mu    sync.Mutex
	first int          // its first port; 0 before it is taken
	has   net.Listener // there, which says that it is taken, until the process ends
	given int
}

// take finds a block that no process has.
func (b *block) take() (err error) {
	for i := range blocks {
		first := firstPort + blockPorts*((os.Getpid()+i)%blocks)
		if b.has, err = net.Listen("tcp", onLoopback(first)); err == nil {
			b.first = first
			return nil
		}
	}
	return fmt.Errorf("no block of ports is free: %w", err)
}

func onLoopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func isFree(how *net.ListenConfig, address string) bool {
	l, err := how.Listen(context.Background(), "tcp", address)
	if err != nil {
		return false
	}
	defer l.Close()
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	defer c.Close()
	return true
}
