package acceptance

import (
	"fmt"
	"testing"
	"time"

	"github.com/flowrun/flowrun/tests/wire"
)

// A thousand clients that all hear what some of them say: each message once,
// and those of one client in their order.
func TestAThousandClientsInOneRoom(t *testing.T) {
	clients, speakers := 1000, 50
	const messages = 3
	if testing.Short() {
		clients /= 10
	}
	f := start(t, "", `
connector "ws_server" "room" {
  url   = "127.0.0.1:0"
  codec = "json"
}

connect "talk" {
  from    = connector.room
  to      = connector.room
  deliver = "broadcast"
}
`)
	addr := f.address("room")
	all := make([]*wire.Conn, clients)
	each(t, clients, 32, func(i int) (err error) {
		if all[i], err = dial(addr, nil); err != nil {
			return err
		}
		_ = all[i].SetDeadline(time.Now().Add(3 * patience))
		return taken(all[i]) // it is in the room
	})
	t.Cleanup(func() {
		for _, c := range all {
			if c != nil {
				_ = c.Close()
			}
		}
	})
	if t.Failed() {
		return
	}
	say := func(i, n int) error {
		return all[i].Send(wire.Fin|wire.Text, fmt.Appendf(nil, `{"from":%d,"n":%d}`, i, n))
	}
	each(t, clients, clients, func(i int) error {
		if i < speakers {
			if err := say(i, 0); err != nil {
				return err
			}
		}
		next := make([]int, speakers) // message of each speaker
		for range speakers * messages {
			m, err := all[i].Next()
			if err != nil {
				return fmt.Errorf("client %d: %w", i, err)
			}
			var from, n int
			if m.Opcode == wire.Ping {
				return fmt.Errorf("client %d: a ping", i)
			}
			if _, err := fmt.Sscanf(string(m.Payload), `{"from":%d,"n":%d}`, &from, &n); err != nil || from >= speakers || n != next[from] {
				return fmt.Errorf("client %d got opcode %d, %.100q, %w", i, m.Opcode, m.Payload, err)
			}
			if next[from]++; from == i && n+1 < messages { // the next one when one hears oneself
				if err := say(i, n+1); err != nil {
					return err
				}
			}
		}
		return nil
	})
	each(t, clients, 32, func(i int) error { return leaves(all[i]) })
}

// A client that has been answered is in the room: what is said right after its
// handshake reaches it.
func TestWhoHasBeenAnsweredIsInTheRoom(t *testing.T) {
	f := start(t, "", `
connector "ws_server" "room" {
  url   = "127.0.0.1:0"
  codec = "string"
}

connect "talk" {
  from    = connector.room
  to      = connector.room
  deliver = "broadcast"
}
`)
	addr := f.address("room")
	enter := func() *wire.Conn {
		c, err := dial(addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(patience))
		return c
	}
	speaker := enter()
	for i := range 200 {
		newcomer := enter()
		if err := speaker.Send(wire.Fin|wire.Text, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
		for _, c := range []*wire.Conn{speaker, newcomer} {
			if err := expect(c, fmt.Sprint(i)); err != nil {
				t.Fatalf("what is said after handshake %d: %v", i, err)
			}
		}
		if err := leaves(newcomer); err != nil {
			t.Fatal(err)
		}
		_ = newcomer.Close()
	}
}
