package acceptance

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/tests/wire"
)

// The size of TestReload: FLOWRUN_RELOAD_CLIENTS=1000 FLOWRUN_RELOAD_EDITS=200
// FLOWRUN_RELOAD_FOR=2m is a long one.
var (
	reloadClients = fromEnv("CLIENTS", 100, strconv.Atoi)
	reloadEdits   = fromEnv("EDITS", 30, strconv.Atoi)
	reloadFor     = fromEnv("FOR", 10*time.Second, time.ParseDuration)
)

func fromEnv[T any](name string, usual T, parse func(string) (T, error)) T {
	if v, err := parse(os.Getenv("FLOWRUN_RELOAD_" + name)); err == nil {
		return v
	}
	return usual
}

// edition is one version of the flow: what edits change in it. What its clients
// are connected to, edge and probe, is always the same.
type edition struct {
	n        int    // what probe answers
	through  bool   // the echo passes a pipeline
	limit    int    // in that pipeline
	required bool   // of store, so that it is replaced
	header   int    // of side, so that it is replaced
	sink     string // one more target of edge: "", "null" or "log"
	more     int    // servers beside
	turned   bool   // the order of blocks
	comment  string
}

// edit makes another version.
func (e edition) edit(r *rand.Rand) edition {
	e.n++
	for range 1 + r.IntN(3) {
		switch r.IntN(8) {
		case 0:
			e.through = !e.through
		case 1:
			e.limit++
		case 2:
			e.required = !e.required
		case 3:
			e.header++
		case 4:
			e.sink = []string{"", "null", "log"}[r.IntN(3)]
		case 5:
			e.more = r.IntN(3)
		case 6:
			e.turned = !e.turned
		case 7:
			e.comment = fmt.Sprintf("# edition %d\n\n", e.n)
		}
	}
	return e
}

func (e edition) text(addr string) string {
	blocks := []string{
		fmt.Sprintf(`connector "ws_server" "edge" {
  url   = "%s/edge"
  codec = "json"
}`, addr),
		fmt.Sprintf(`connector "ws_server" "probe" {
  url   = "%s/probe"
  codec = "json"
}`, addr),
		fmt.Sprintf(`connector "ws_server" "side" {
  url     = "%s/side"
  codec   = "json"
  headers = { X-Edition = "%d" }
}`, addr, e.header),
		fmt.Sprintf(`connector "file" "store" {
  path           = "store.ndjson"
  mode           = "append"
  codec          = "json"
  required       = %t
}`, e.required),
		fmt.Sprintf(`pipeline "version" {
  map "it" {
    event = { version = %d }
  }
}`, e.n),
		fmt.Sprintf(`pipeline "pass" {
  filter "some" {
    where = event.n > -%d
  }
}`, e.limit+1),
		`connect "version" {
  from = connector.probe
  via  = [pipeline.version]
  to   = connector.probe
}`,
		`connect "beside" {
  from = connector.side
  to   = connector.side
}`,
		`connect "store" {
  from = connector.edge
  via  = [pipeline.pass]
  to   = connector.store
}`,
	}
	via := ""
	if e.through {
		via = "via = [pipeline.pass]"
	}
	blocks = append(blocks, fmt.Sprintf(`connect "echo" {
  from = connector.edge
  %s
  to   = connector.edge
}`, via))
	if e.sink != "" {
		blocks = append(blocks, fmt.Sprintf("connector %q \"sink\" {\n}", e.sink), `connect "sink" {
  from  = connector.edge
  where = event.n % 1000 == 999
  to    = connector.sink
}`)
	}
	for i := range e.more {
		blocks = append(blocks, fmt.Sprintf(`connector "ws_server" "more%d" {
  url   = "%s/more/%d"
  codec = "json"
}
connect "more%d" {
  from = connector.more%d
  to   = connector.more%d
}`, i, addr, i, i, i, i))
	}
	if e.turned {
		slices.Reverse(blocks)
	}
	return e.comment + strings.Join(blocks, "\n\n") + "\n"
}

// broken breaks a flow, in one of the ways in which people do.
func broken(r *rand.Rand, text, taken string, n int) string {
	mark := fmt.Sprintf("# broken %d\n", n)
	switch r.IntN(6) {
	case 0:
		return mark + text[:len(text)/2] + "\n{"
	case 1:
		return mark + strings.Replace(text, "to   = connector.store", "to   = connector.stroe", 1)
	case 2:
		return mark + strings.Replace(text, `codec = "json"`, `codec = "jason"`, 1)
	case 3:
		return mark + strings.Replace(text, "where = event.n >", "where = evnt.n >", 1)
	case 4: // found when it is prepared only
		return mark + text + fmt.Sprintf("connector \"ws_server\" \"taken\" {\n  url = %q\n  codec = \"json\"\n}\n", taken)
	}
	return mark
}

// TestReload: clients of a connector that edits do not touch notice nothing of
// them, what they say is stored once, and the flow that runs is always that of the
// last file without mistakes.
func TestReload(t *testing.T) {
	for _, watch := range []bool{false, true} {
		t.Run(map[bool]string{false: "SIGHUP", true: "watch"}[watch], func(t *testing.T) {
			(&reloading{T: t, watch: watch, dir: t.TempDir(), addr: flowtest.FreeAddress(t), over: make(chan struct{})}).run()
		})
	}
}

type reloading struct {
	*testing.T
	watch bool
	dir   string
	addr  string
	f     *flowrun

	over   chan struct{} // closed when no client begins anything more
	echoed atomic.Int64
	back   atomic.Int64 // how often clients of side have come back
}

func (x *reloading) run() {
	r := rand.New(rand.NewPCG(5, 200))
	seed := edition{}
	var args []string
	if x.watch {
		args = append(args, "--watch")
	}
	x.f = start(x.T, x.dir, seed.text(x.addr), args...)
	x.f.address("edge")
	x.f.address("side")

	var clients sync.WaitGroup
	defer clients.Wait()
	end := sync.OnceFunc(func() { close(x.over) })
	defer end()
	said := make([]int, reloadClients)
	for i := range reloadClients {
		clients.Go(func() { said[i] = x.echo(i) })
	}
	for range max(reloadClients/20, 1) {
		clients.Go(x.comeBack)
	}
	valid, refused := x.edits(r, seed)
	end()
	clients.Wait()
	if x.Failed() {
		return
	}
	if err := x.f.Signal(syscall.SIGTERM); err != nil {
		x.Fatal(err)
	}
	x.f.exits(0)
	x.stored(said)
	if n := strings.Count(x.f.Stderr.String(), "was not delivered"); n > 0 {
		x.Errorf("%d messages were not delivered", n)
	}
	x.Logf("%d clients, %d messages echoed and stored, %d edits applied, %d refused, clients of the connector that was replaced came back %d times",
		reloadClients, x.echoed.Load(), valid, refused, x.back.Load())
}

// edits edits the flow, and holds the process to each version.
func (x *reloading) edits(r *rand.Rand, now edition) (valid, refused int) {
	probe := x.dial("/probe")
	defer probe.Close()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		x.Fatal(err)
	}
	defer taken.Close()
	pace := time.NewTicker(reloadFor / 2 / time.Duration(max(reloadEdits/2, 1)))
	defer pace.Stop()
	for i := range max(reloadEdits/2, 1) {
		if x.Failed() {
			return valid, refused
		}
		<-pace.C
		if r.IntN(3) == 0 {
			x.write(r, broken(r, now.text(x.addr), taken.Addr().String(), i))
			refused++
			x.f.logged(fmt.Sprintf("refusal %d", refused), func(text string) bool { return strings.Count(text, "the reload failed") == refused })
			if got := x.version(probe); got != now.n {
				x.Errorf("after a flow that is broken, version %d runs, not %d", got, now.n)
			}
			continue
		}
		now = now.edit(r)
		x.write(r, now.text(x.addr))
		valid++
		last := -1
		for until := time.Now().Add(patience); last != now.n; {
			if last = x.version(probe); last != now.n && time.Now().After(until) {
				x.Errorf("version %d runs, not %d", last, now.n)
				break
			}
		}
	}
	return valid, refused
}

// write puts a version of the flow in place, and tells the process when it is
// not watching.
func (x *reloading) write(r *rand.Rand, text string) {
	x.Helper()
	path := filepath.Join(x.dir, "flow.hcl")
	target := path
	if r.IntN(2) == 0 || x.watch { // else it may be read when half of it is written
		target += "~"
	}
	err := os.WriteFile(target, []byte(text), 0o600)
	if err == nil && target != path {
		err = os.Rename(target, path)
	}
	if err == nil && !x.watch {
		err = x.f.Signal(syscall.SIGHUP)
	}
	if err != nil {
		x.Fatal(err)
	}
}

func (x *reloading) version(probe *wire.Conn) int {
	x.Helper()
	_ = probe.SetDeadline(time.Now().Add(patience))
	err := probe.Send(wire.Fin|wire.Text, []byte("{}"))
	var answer struct{ Version int }
	if err == nil {
		var f wire.Frame
		if f, err = probe.Next(); err == nil {
			err = json.Unmarshal(f.Payload, &answer)
		}
	}
	if err != nil {
		x.Fatalf("ask for the version: %v", err)
	}
	return answer.Version
}

func (x *reloading) dial(path string) *wire.Conn {
	x.Helper()
	c, err := x.tryDial(path)
	if err != nil {
		x.Fatal(err)
	}
	return c
}

func (x *reloading) tryDial(path string) (*wire.Conn, error) {
	c, err := connect(x.addr)
	if err != nil {
		return nil, err
	}
	return wire.Handshake(c, path)
}

// echo is a client of the connector that is not touched. It returns how many
// messages it has sent, each of which has come back.
func (x *reloading) echo(client int) (said int) {
	r := rand.New(rand.NewPCG(7, uint64(client)))
	c, err := x.tryDial("/edge")
	if err != nil {
		x.Errorf("client %d: %v", client, err)
		return 0
	}
	defer c.Close()
	for goOn := true; goOn; {
		_ = c.SetDeadline(time.Now().Add(patience))
		burst := 1 + r.IntN(4)
		var frames []byte
		for i := range burst {
			frames = wire.AppendFrame(frames, wire.Fin|wire.Text, saying(client, said+i))
		}
		if _, err := c.Write(frames); err != nil {
			x.Errorf("client %d: %v", client, err)
			return said
		}
		for range burst {
			if err := expect(c, string(saying(client, said))); err != nil {
				x.Errorf("client %d, message %d: %v", client, said, err)
				return said
			}
			said++
		}
		x.echoed.Add(int64(burst))
		// All together leave the machine some time.
		goOn = x.pause(time.Duration(r.IntN(2*reloadClients)) * time.Millisecond)
	}
	if err := leaves(c); err != nil {
		x.Errorf("client %d: %v", client, err)
	}
	return said
}

// pause lets some time go by, and reports whether clients go on.
func (x *reloading) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-x.over:
		return false
	case <-timer.C:
		return true
	}
}

func saying(client, n int) []byte { return fmt.Appendf(nil, `{"c":%d,"n":%d}`, client, n) }

// comeBack is a client of the connector that is replaced: it is told to come
// back, and can.
func (x *reloading) comeBack() {
	for goOn := true; goOn; {
		c, err := x.tryDial("/side")
		if err != nil {
			x.Errorf("a client that comes back is refused: %v", err)
			return
		}
		for goOn {
			_ = c.SetDeadline(time.Now().Add(patience))
			if err = c.Send(wire.Fin|wire.Text, []byte(`{"n":1}`)); err != nil {
				break
			}
			var f wire.Frame
			if f, err = c.Next(); err != nil {
				break
			}
			if f.Opcode == wire.Close {
				if f.Code() != 1012 {
					x.Errorf("a client of a server that is replaced is told %d", f.Code())
				}
				x.back.Add(1)
				break
			}
			goOn = x.pause(50 * time.Millisecond)
		}
		_ = c.Close()
		if err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			x.Errorf("a client of a server that is replaced: %v", err)
			return
		}
	}
}

// stored compares what came to the file that all messages go to, by whichever
// connector wrote it.
func (x *reloading) stored(said []int) {
	next := make([]int, len(said))
	for line := range strings.Lines(read(x.T, filepath.Join(x.dir, "store.ndjson"))) {
		var m struct{ C, N int }
		if err := json.Unmarshal([]byte(line), &m); err != nil || m.C >= len(next) {
			x.Fatalf("a line of the file is %q: %v", line, err)
		}
		if m.N != next[m.C] {
			x.Fatalf("client %d: message %d is in the file where %d was expected", m.C, m.N, next[m.C])
		}
		next[m.C]++
	}
	if !slices.Equal(next, said) {
		x.Errorf("of %d clients, not all messages are in the file", len(said))
	}
}
