package ports

import (
	"errors"
	"net"
	"strconv"
	"testing"
)

// TestLeasesAreExclusive leases from two runners at once: no port twice, and
// none that somebody listens on.
func TestLeasesAreExclusive(t *testing.T) {
	one, err := New()
	if err != nil {
		t.Fatal(err)
	}
	other, err := New()
	if err != nil {
		t.Fatal(err)
	}
	one.dir = t.TempDir() // of this test alone, so that all ports can be taken
	other.dir = one.dir
	one.low = one.high - 60
	other.low, other.high = one.low, one.high
	one.next, other.next = one.low, one.high-1
	var busy net.Listener
	for port := one.low; busy == nil; port++ {
		busy, _ = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	defer busy.Close()
	seen := map[int]bool{busy.Addr().(*net.TCPAddr).Port: true}
	a, b := one.Leases(), other.Leases()
	for {
		var err error
		for _, l := range []*Leases{a, b} {
			var port int
			if port, err = l.Take(); err != nil {
				break
			}
			if seen[port] {
				t.Errorf("port %d was leased twice, or is in use", port)
			}
			seen[port] = true
		}
		if errors.Is(err, errNoPort) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d ports could be leased", len(seen))
	}
	b.Release()
	if _, err := a.Take(); err != nil {
		t.Errorf("after a release: %v", err)
	}
	a.Release()
}
