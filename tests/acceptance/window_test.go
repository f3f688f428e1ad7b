package acceptance

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/flowrun/flowrun/tests/wire"
)

// sites is the flow of devices that contribute to windows of their sites; how
// the windows close is left open.
const sites = `
connector "ws_server" "devices" {
  url   = "127.0.0.1:0"
  codec = "json"
}

connector "file" "problems" {
  path           = "problems.ndjson"
  mode           = "truncate"
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "per_site" {
  window "w" {
    kind     = "tumbling"
    group_by = event.site
    emit = {
      site  = group
      count = count()
      sum   = sum(event.n)
      all   = collect(event.n)
    }
    origins = "all"
    %s
  }
}

connect "aggregate" {
  from         = connector.devices
  via          = [pipeline.per_site]
  to           = connector.devices
  on_lost_peer = "drop"
}

connect "errors" {
  from = [connector.devices.err, pipeline.per_site.err]
  to   = connector.problems
}
`

// aggregate is what a window answers.
type aggregate struct {
	text  string
	Site  string
	Count int
	Sum   int64
	All   []int64
}

// aggregated reads the next answer, which must be sound in itself.
func aggregated(c *wire.Conn) (a aggregate, err error) {
	for {
		m, err := c.Next()
		switch {
		case err != nil:
			return a, err
		case m.Opcode == wire.Ping:
			if err := c.Send(wire.Fin|wire.Pong, m.Payload); err != nil {
				return a, err
			}
			continue
		case m.Opcode != wire.Text:
			return a, fmt.Errorf("got opcode %d, %.100q, not an aggregate", m.Opcode, m.Payload)
		}
		a.text = string(m.Payload)
		if err := json.Unmarshal(m.Payload, &a); err != nil {
			return a, fmt.Errorf("%w: %.100q", err, m.Payload)
		}
		var sum int64
		for _, n := range a.All {
			sum += n
		}
		if a.Count != len(a.All) || a.Sum != sum {
			return a, fmt.Errorf("the aggregate contradicts itself: %s", a.text)
		}
		return a, nil
	}
}

func contribute(c *wire.Conn, site string, n int64) error {
	return c.Send(wire.Fin|wire.Text, fmt.Appendf(nil, `{"site":%q,"n":%d}`, site, n))
}

// A window that closes by count answers each connection that contributed once,
// however much it contributed, and nobody else.
func TestWindowByCount(t *testing.T) {
	const places, devices, rounds = 5, 10, 20
	f := start(t, "", fmt.Sprintf(sites, fmt.Sprintf("size = %d", devices+1)))
	addr := f.address("devices")
	bystanders := make([]*wire.Conn, 5)
	for i := range bystanders {
		bystanders[i] = mustDial(t, addr)
	}
	all := make([]*wire.Conn, places*devices)
	for i := range all {
		all[i] = mustDial(t, addr)
	}
	for round := range int64(rounds) {
		answers := make([]aggregate, len(all))
		each(t, len(all), len(all), func(i int) error {
			site, device := i/devices, i%devices
			n := round*1000 + int64(i)
			if err := contribute(all[i], fmt.Sprint(site), n); err != nil {
				return err
			}
			if device == int(round)%devices { // this one twice
				if err := contribute(all[i], fmt.Sprint(site), n+500); err != nil {
					return err
				}
			}
			a, err := aggregated(all[i])
			if err != nil {
				return fmt.Errorf("round %d, device %d: %w", round, i, err)
			}
			if a.Site != fmt.Sprint(site) || a.Count != devices+1 || !slices.Contains(a.All, n) {
				return fmt.Errorf("round %d: device %d contributed %d and is answered %s", round, i, n, a.text)
			}
			answers[i] = a
			return nil
		})
		for i := range all {
			if first := answers[i-i%devices]; answers[i].text != first.text {
				t.Fatalf("round %d: devices of one site are answered %s and %s", round, first.text, answers[i].text)
			}
		}
		if t.Failed() {
			return
		}
	}
	for _, c := range slices.Concat(all, bystanders) {
		if err := leaves(c); err != nil {
			t.Error(err)
		}
	}
	if said := read(t, f.dir+"/problems.ndjson"); said != "" {
		t.Errorf("there were problems:\n%s", said)
	}
}

// Windows close by time while devices come and go. Each message is in one
// window, of which its device hears once; who has left costs nobody an answer.
func TestWindowByTime(t *testing.T) {
	f := start(t, "", fmt.Sprintf(sites, `interval = "100ms"`))
	addr := f.address("devices")
	var next atomic.Int64
	var windows sync.Map // what a message was answered, by its number
	bystander := mustDial(t, addr)
	each(t, 400, 40, func(i int) error {
		r := rand.New(rand.NewPCG(5, uint64(i)))
		c, err := dial(addr, nil)
		if err != nil {
			return err
		}
		defer c.Close()
		for range 1 + r.IntN(3) {
			site, mine := fmt.Sprint(r.IntN(5)), map[int64]bool{}
			for range 1 + r.IntN(5) {
				n := next.Add(1)
				mine[n] = true
				if err := contribute(c, site, n); err != nil {
					return err
				}
			}
			switch r.IntN(8) {
			case 0: // gone without a word
				return c.Conn.(*net.TCPConn).SetLinger(0)
			case 1:
				return nil
			}
			for len(mine) > 0 {
				a, err := aggregated(c)
				if err != nil {
					return err
				}
				before := len(mine)
				for _, n := range a.All {
					delete(mine, n)
					if other, again := windows.LoadOrStore(n, a.text); again && other != a.text {
						return fmt.Errorf("message %d is in %s and in %s", n, other, a.text)
					}
				}
				if a.Site != site || len(mine) == before {
					return fmt.Errorf("the device is answered what it has no part in: %s", a.text)
				}
			}
		}
		return leaves(c)
	})
	if err := leaves(bystander); err != nil {
		t.Error(err)
	}
	if said := read(t, f.dir+"/problems.ndjson"); said != "" {
		t.Errorf("there were problems:\n%s", said)
	}
}

// The flow that is shipped, in short windows.
func TestWindowExample(t *testing.T) {
	f := start(t, "", example(t, "window.hcl"), "--var", "url=127.0.0.1:0", "--var", "interval=50ms")
	addr := f.address("devices")
	each(t, 20, 20, func(i int) error {
		c, err := dial(addr, nil)
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.Send(wire.Fin|wire.Text, []byte(`{"site":"a","value":5}`)); err != nil {
			return err
		}
		m, err := c.Next()
		if err != nil {
			return err
		}
		var a struct {
			Site           string
			Count, Devices int
			Mean, P99      float64
		}
		if err := json.Unmarshal(m.Payload, &a); err != nil || a.Site != "a" || a.Count < 1 || a.Devices != a.Count || a.Mean != 5 || a.P99 != 5 {
			return fmt.Errorf("%s, %w", m.Payload, err)
		}
		return leaves(c)
	})
	for line := range strings.Lines(f.Stderr.String()) {
		if strings.Contains(line, `"level":"warn"`) {
			t.Errorf("it complains: %s", line)
		}
	}
}
