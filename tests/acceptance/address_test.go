package acceptance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/tests/wire"
)

// post is a flow of clients that write to each other. {"who":true} is answered
// with the client's own address; {"to":…,"body":…} goes where it says.
const post = `
connector "ws_server" "edge" {
  url   = "127.0.0.1:0"
  codec = "json"
}

connector "file" "problems" {
  path           = "problems.ndjson"
  mode           = "truncate"
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "tell" {
  map "self" {
    event = { id = peer.id, host = peer.host, port = peer.port }
  }
}

pipeline "address" {
  map "letter" {
    event = event.body
    meta  = { ws_server = { peer = event.to } }
  }
}

connect "who" {
  from  = connector.edge
  where = event.who
  via   = [pipeline.tell]
  to    = connector.edge
}

connect "post" {
  from         = connector.edge
  where        = has(event.to)
  via          = [pipeline.address]
  to           = connector.edge
  on_lost_peer = "%s"
}

connect "errors" {
  from = [connector.edge.err, pipeline.address.err, pipeline.tell.err]
  to   = connector.problems
}
`

// correspondent is a client of the post.
type correspondent struct {
	*wire.Conn
	self struct {
		ID   string
		Host string
		Port int
	}
}

func (c *correspondent) byID() string     { return fmt.Sprintf("%q", c.self.ID) }
func (c *correspondent) byObject() string { return fmt.Sprintf(`{"id":%q}`, c.self.ID) }
func (c *correspondent) byAddr() string {
	return fmt.Sprintf(`{"host":%q,"port":%d}`, c.self.Host, c.self.Port)
}

func corresponds(addr string) (*correspondent, error) {
	w, err := dial(addr, nil)
	if err != nil {
		return nil, err
	}
	c := &correspondent{Conn: w}
	return c, c.who()
}

// who asks for the client's own address; the answer comes after all that was
// sent before has been dealt with.
func (c *correspondent) who() error {
	if err := c.Send(wire.Fin|wire.Text, []byte(`{"who":true}`)); err != nil {
		return err
	}
	m, err := c.Next()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(m.Payload, &c.self); err != nil {
		return fmt.Errorf("%w: %.100q", err, m.Payload)
	}
	if !strings.HasSuffix(c.LocalAddr().String(), fmt.Sprintf(":%d", c.self.Port)) {
		return fmt.Errorf("%s is told that it is %.100q", c.LocalAddr(), m.Payload)
	}
	return nil
}

func (c *correspondent) write(to, body string) error {
	return c.Send(wire.Fin|wire.Text, fmt.Appendf(nil, `{"to":%s,"body":%q}`, to, body))
}

// A message that is given a connection's address reaches that one, by its id
// and by its host and port, and no other.
func TestAddressed(t *testing.T) {
	const clients = 50
	f := start(t, "", fmt.Sprintf(post, "err"))
	addr := f.address("edge")
	all := make([]*correspondent, clients)
	each(t, clients, clients, func(i int) (err error) {
		all[i], err = corresponds(addr)
		return err
	})
	if t.Failed() {
		return
	}
	for from := range all {
		for step, to := range []func(*correspondent) string{
			(*correspondent).byID, (*correspondent).byObject, (*correspondent).byAddr,
		} {
			other := (from + step*7) % clients // oneself, too
			letter := fmt.Sprintf("from %d, %d", from, step)
			if err := all[from].write(to(all[other]), letter); err != nil {
				t.Fatal(err)
			}
			if err := expect(all[other].Conn, fmt.Sprintf("%q", letter)); err != nil {
				t.Fatalf("%s to %d: %v", letter, other, err)
			}
		}
	}
	for _, c := range all {
		if err := leaves(c.Conn); err != nil {
			t.Error(err)
		}
	}
	if said := read(t, f.dir+"/problems.ndjson"); said != "" {
		t.Errorf("there were problems:\n%s", said)
	}
}

// A message for a connection that has gone reaches nobody: it is dropped or
// goes to err, as the flow says.
func TestAddressedToOneThatHasGone(t *testing.T) {
	for _, policy := range []string{"drop", "err"} {
		t.Run(policy, func(t *testing.T) {
			f := start(t, "", fmt.Sprintf(post, policy))
			addr := f.address("edge")
			var all []*correspondent
			for range 10 {
				c, err := corresponds(addr)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				all = append(all, c)
			}
			gone, writer := all[0], all[1]
			if err := leaves(gone.Conn); err != nil {
				t.Fatal(err)
			}
			all = all[1:]
			for _, to := range []string{gone.byID(), gone.byObject(), gone.byAddr()} {
				if err := writer.write(to, "hello"); err != nil {
					t.Fatal(err)
				}
			}
			if err := writer.who(); err != nil { // has been answered nothing before
				t.Fatal(err)
			}
			if policy == "err" {
				for _, p := range f.problems(3) {
					if p.Event != "hello" || p.Error.Component != "connector.edge" || !strings.Contains(p.Error.Message, "no longer open") || p.Peer.ID != writer.self.ID {
						t.Errorf("the problem is told as %+v", p)
					}
				}
			} else if said := read(t, f.dir+"/problems.ndjson"); said != "" {
				t.Errorf("there were problems:\n%s", said)
			}
			for _, c := range all {
				if err := leaves(c.Conn); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// What is no address is a mistake of the flow, whatever its policy.
func TestAddressThatIsNone(t *testing.T) {
	f := start(t, "", fmt.Sprintf(post, "drop"))
	c, err := corresponds(f.address("edge"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	wrong := []string{`7`, `{"host":"127.0.0.1"}`, `{"port":"1","host":"127.0.0.1"}`, `"nobody/at/all/1"`}
	for _, to := range wrong {
		if err := c.write(to, "hello"); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range f.problems(len(wrong)) {
		if p.Event != "hello" || p.Error.Component != "connector.edge" || p.Peer.ID != c.self.ID {
			t.Errorf("that %s is no address is told as %+v", wrong[i], p)
		}
	}
	if err := leaves(c.Conn); err != nil {
		t.Error(err)
	}
}
