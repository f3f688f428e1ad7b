package ws

import (
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/setting"
)

// from is a connection of somebody at an address.
type from struct {
	net.Conn
	addr net.TCPAddr
}

func (f from) RemoteAddr() net.Addr { return &f.addr }

// Who comes while the server is about to run waits for it, as a handshake does.
func TestWhoComesEarlyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := serverConfig(t)
		config.Adopt = true
		connector, err := config.New()
		if err != nil {
			t.Fatal(err)
		}
		adopted := make(chan bool, 1)
		go func() { adopted <- connector.(*server).Adopt(from{}, []byte("\x81\x80....")) }()
		synctest.Wait()
		if len(adopted) > 0 {
			t.Fatalf("before the server runs: %v", <-adopted)
		}
		begin := time.Now()
		if <-adopted || time.Since(begin) != time.Duration(config.ConnectTimeout) {
			t.Errorf("a server that does not run has taken it, or after %v", time.Since(begin))
		}
	})
}

// The memory for addresses is bounded in time and in number, those with an open
// connection aside.
func TestAddressesAreRememberedForATime(t *testing.T) {
	l := newLately(&Headless{AdoptWithin: setting.Duration(time.Hour), AdoptMost: 3})
	begin := time.Now()
	at := func(minutes int) time.Time { return begin.Add(time.Duration(minutes) * time.Minute) }
	a := func(i byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, i}) }
	l.came(a(1))
	l.came(a(1))
	l.went(a(1), at(0))
	if !l.knows(a(1), at(1000)) {
		t.Error("who is here is not known")
	}
	l.went(a(1), at(1000))
	for i, minute := range []int{1060, 1061} {
		if l.knows(a(1), at(minute)) != (i == 0) {
			t.Errorf("after %d minutes", minute-1000)
		}
	}
	for i := byte(2); i <= 4; i++ {
		l.came(a(i))
		l.went(a(i), at(1000+int(i)))
	}
	for i := byte(1); i <= 4; i++ {
		if l.knows(a(i), at(1010)) != (i > 1) {
			t.Errorf("address %d", i)
		}
	}
	if len(l.here) != 0 || len(l.left) != 3 {
		t.Errorf("%d and %d are remembered", len(l.here), len(l.left))
	}
}
