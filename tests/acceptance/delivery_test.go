package acceptance

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flowtest"
)

// The size of the tests of delivery: FLOWRUN_DELIVERY_RECORDS=100000
// FLOWRUN_DELIVERY_KILLS=5 FLOWRUN_DELIVERY_PAUSE=35s
// FLOWRUN_DELIVERY_PATIENCE=4m is a long one.
var (
	deliveryRecords  = deliveryEnv("RECORDS", 3000, strconv.Atoi)
	deliveryKills    = deliveryEnv("KILLS", 2, strconv.Atoi)
	deliveryPause    = deliveryEnv("PAUSE", 300*time.Millisecond, time.ParseDuration)
	deliveryPatience = deliveryEnv("PATIENCE", patience, time.ParseDuration)
)

func deliveryEnv[T any](name string, usual T, parse func(string) (T, error)) T {
	if v, err := parse(os.Getenv("FLOWRUN_DELIVERY_" + name)); err == nil {
		return v
	}
	return usual
}

// record is what is sent: number N of a source.
type record struct {
	Source, N int
	Text      string
}

func recordOf(source, n int) string {
	return fmt.Sprintf(`{"source":%d,"n":%d,"text":"%s"}`, source, n, strings.Repeat("x", rand.IntN(150)))
}

// delivery is a flow from some source to a receiver, and what is known of it.
type delivery struct {
	t        *testing.T
	receiver *receiver
	dir      string
	flow     string
	run      *flowrun
	counts   []int        // per source, the records that are to arrive
	accepted atomic.Int64 // records so far
}

const deliverySources = 10

// byFrames is a client that sends frames, with a queue; %s stands for the receiver.
func byFrames(queue string) string {
	return `
connector "ws_client" "out" {
  url   = "ws://%s/"
  codec = "json"
` + queue + `
  reconnect {
    interval     = "20ms"
    max_interval = "200ms"
  }
}
`
}

// byRequests is one that makes requests, one after the other.
const byRequests = `
connector "http_client" "out" {
  url         = "http://%s/"
  codec       = "json"
  concurrency = 1
  queue {
    persistent = "queue"
    linger     = "20s"
  }
  retry {
    interval     = "10ms"
    max_interval = "100ms"
  }
}
`

const persistentQueue = `  queue {
    persistent = "queue"
    confirm    = "pong"
    linger     = "20s"
  }`

func newDelivery(t *testing.T, source, client string) *delivery {
	d := &delivery{t: t, receiver: newReceiver(t), dir: t.TempDir(), counts: make([]int, deliverySources)}
	d.flow = source + fmt.Sprintf(client, d.receiver.address) + `
connect "it" {
  from = connector.in
  to   = connector.out
}
`
	for i := range deliveryRecords {
		d.counts[i%deliverySources]++
	}
	return d
}

func (d *delivery) start() { d.run = start(d.t, d.dir, d.flow) }

// restart kills flowrun, and starts it again.
func (d *delivery) restart() {
	d.run.Kill()
	d.start()
}

// through waits until so many records are accepted as a part of all is.
func (d *delivery) through(part, of int) {
	d.t.Helper()
	want := int64(deliveryRecords * part / of)
	d.within("records", func() bool { return d.accepted.Load() >= want })
}

func (d *delivery) within(what string, holds func() bool) {
	d.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(deliveryPatience); !holds(); <-tick.C {
		if time.Now().After(end) {
			d.t.Fatalf("%s did not come", what)
		}
	}
}

// arrives waits until all records of all sources have arrived, and checks that each
// came behind those before it, a first time.
func (d *delivery) arrives() {
	d.t.Helper()
	var size int64
	complete := false
	d.within("all records", func() bool {
		info, err := os.Stat(d.receiver.path)
		if err != nil || info.Size() == size {
			return complete
		}
		size = info.Size()
		complete = d.check()
		return complete || d.t.Failed()
	})
	all := len(d.receiver.messages())
	d.t.Logf("%d records arrived, %d of them more than once", deliveryRecords, all-deliveryRecords)
}

func (d *delivery) check() (complete bool) {
	next := make([]int, len(d.counts))
	for i, line := range d.receiver.messages() {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			d.t.Fatalf("message %d is %q: %v", i, line, err)
		}
		switch {
		case r.N > next[r.Source]:
			d.t.Fatalf("message %d is number %d of source %d, before number %d", i, r.N, r.Source, next[r.Source])
		case r.N == next[r.Source]:
			next[r.Source]++
		}
	}
	for i, n := range d.counts {
		if next[i] < n {
			return false
		}
	}
	return true
}

// ends tells flowrun to end; a persistent queue that is empty leaves nothing behind.
func (d *delivery) ends() {
	d.t.Helper()
	d.end()
	if left, _ := filepath.Glob(filepath.Join(d.dir, "queue", "*.q1")); len(left) > 0 {
		d.t.Errorf("left on the disk: %v", left)
	}
}

// end tells flowrun to end, and waits until it has.
func (d *delivery) end() {
	d.t.Helper()
	if err := d.run.Signal(syscall.SIGTERM); err != nil {
		d.t.Fatal(err)
	}
	d.run.exits(0)
}

// Whoever was answered 200 can forget the record: it arrives, though flowrun and the
// receiver are killed meanwhile, again and again.
func TestDeliveryFromRequests(t *testing.T) {
	for name, client := range map[string]string{"frames": byFrames(persistentQueue), "requests": byRequests} {
		t.Run(name, func(t *testing.T) {
			d, url := deliveryOfRequests(t, client)
			d.start()
			d.postAll(url)
			d.ends()
		})
	}
}

func deliveryOfRequests(t *testing.T, client string) (d *delivery, url string) {
	address := flowtest.FreeAddress(t)
	return newDelivery(t, fmt.Sprintf(`
connector "http_server" "in" {
  url   = "%s"
  codec = "json"
}
`, address), client), "http://" + address
}

// postAll posts all records while both sides are killed, and waits until they have
// arrived.
func (d *delivery) postAll(url string) {
	d.t.Helper()
	client := browser(d.t)
	var all sync.WaitGroup
	for source, n := range d.counts {
		all.Go(func() {
			for i := range n {
				d.post(client, url, recordOf(source, i))
			}
		})
	}
	for i := range deliveryKills {
		d.through(2*i+1, 2*deliveryKills+1)
		d.restart()
		d.through(2*i+2, 2*deliveryKills+1)
		d.receiver.restart()
	}
	all.Wait()
	d.arrives()
}

// A client that is edited while it sends goes on with what its queue holds, and one
// that is not, keeps its connection.
func TestDeliveryWhileTheFlowChanges(t *testing.T) {
	for name, client := range map[string]string{"frames": byFrames(persistentQueue), "requests": byRequests} {
		t.Run(name, func(t *testing.T) { deliveryWhileTheFlowChanges(t, client) })
	}
}

func deliveryWhileTheFlowChanges(t *testing.T, out string) {
	d, url := deliveryOfRequests(t, out)
	d.start()
	client := browser(t)
	var all sync.WaitGroup
	for source, n := range d.counts {
		all.Go(func() {
			for i := range n {
				d.post(client, url, recordOf(source, i))
			}
		})
	}
	const edits = 4 // one of each kind: the log tells of no more at a time
	for i := range edits {
		d.through(i+1, edits+1)
		text := d.flow
		switch i % 4 {
		case 0: // another client, under the same name
			text = strings.Replace(text, "  queue {", fmt.Sprintf("  headers = { X-Edit = \"%d\" }\n  queue {", i), 1)
		case 1: // under another name
			text = strings.NewReplacer(`"out"`, `"outward"`, "connector.out", "connector.outward").Replace(text)
		case 2: // nothing that concerns it
			text += fmt.Sprintf("\nconnector \"null\" \"n%d\" {}\n", i)
		}
		if err := os.WriteFile(filepath.Join(d.dir, "flow.hcl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := d.run.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		d.run.logged("a reload", func(text string) bool { return strings.Count(text, `"reloaded"`) == i+1 })
	}
	all.Wait()
	d.arrives()
	d.ends()
}

// post sends a record until it is accepted.
func (d *delivery) post(client *http.Client, url, body string) {
	for end := time.Now().Add(deliveryPatience); ; {
		r, answer, err := post(client, url, body)
		switch {
		case err == nil && r.StatusCode == http.StatusOK:
			d.accepted.Add(1)
			return
		case time.Now().After(end):
			d.t.Errorf("never accepted: %v %s", err, answer)
			return
		}
		<-time.After(time.Millisecond) // nobody may be there
	}
}

// A file is followed through the deaths of both.
func TestDeliveryFromAFile(t *testing.T) {
	d := newDelivery(t, `
connector "file" "in" {
  path     = "in.ndjson"
  mode     = "read"
  follow   = true
  position = "position"
  codec    = "json"
}
`, byFrames(persistentQueue))
	d.start()
	f, err := os.Create(filepath.Join(d.dir, "in.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write := func(from, to int) {
		var text strings.Builder
		for i := from; i < to; i++ {
			text.WriteString(recordOf(i%deliverySources, i/deliverySources) + "\n")
		}
		if _, err := io.WriteString(f, text.String()); err != nil {
			t.Fatal(err)
		}
	}
	parts := 2*deliveryKills + 1
	for i := range parts {
		before := len(d.receiver.messages())
		write(deliveryRecords*i/parts, deliveryRecords*(i+1)/parts)
		if i == parts-1 {
			break
		}
		d.within("a part of the file", func() bool { return len(d.receiver.messages()) > before })
		if i%2 == 0 {
			d.restart()
		} else {
			d.receiver.restart()
		}
	}
	d.arrives()
	d.ends()
}

// What flowrun has taken from connections arrives although the receiver is stopped for
// a while, killed and started again.
func TestDeliveryFromConnections(t *testing.T) {
	for name, queue := range map[string]string{
		// As Fluent Bit's users write it; the connection is given up while the receiver
		// does not read.
		"memory": fmt.Sprintf("  idle_timeout = %q\n  queue {\n    max_events = %d\n    overflow   = \"block\"\n  }", deliveryPause*4/7, deliveryRecords),
		"small":  "  queue {\n    max_events = 100\n    confirm    = \"pong\"\n  }",
		"disk":   persistentQueue,
	} {
		t.Run(name, func(t *testing.T) {
			d := newDelivery(t, `
connector "tcp_server" "in" {
  url   = "127.0.0.1:0"
  codec = "json_lines"
}
`, byFrames(queue))
			d.start()
			address := d.run.address("in")
			var all sync.WaitGroup
			for source, n := range d.counts {
				all.Go(func() {
					c, err := connect(address)
					if err != nil {
						t.Error(err)
						return
					}
					defer c.Close()
					_ = c.SetDeadline(time.Now().Add(deliveryPatience))
					for i := range n {
						if _, err := io.WriteString(c, recordOf(source, i)+"\n"); err != nil {
							t.Error(err)
							return
						}
						d.accepted.Add(1)
					}
				})
			}
			received := func(part int) {
				d.within("a part", func() bool { return len(d.receiver.messages()) >= deliveryRecords*part/10 })
			}
			received(1)
			d.receiver.pause(deliveryPause)
			received(4)
			d.receiver.restart()
			received(6)
			d.receiver.process.Kill()
			<-time.After(deliveryPause / 2)
			d.receiver.start()
			all.Wait()
			d.arrives()
			d.ends()
		})
	}
}
