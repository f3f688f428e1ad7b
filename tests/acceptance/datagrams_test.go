package acceptance

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flowtest"
)

const datagramFlow = `
connector "http_server" "in" {
  url   = "%s"
  codec = "json"
}

connector "udp_client" "out" {
  url             = "udp://%s"
  codec           = "json"
  connect_timeout = "1s"
  queue {
    persistent = "queue"
  }
  reconnect {
    interval     = "20ms"
    max_interval = "200ms"
  }
}

connect "it" {
  from = connector.in
  to   = connector.out
}
`

// Whoever was answered 200 can forget the record: it is sent, though the name of who is
// to have it is not known at first, and flowrun is killed before it is and while it sends.
func TestDatagramsWait(t *testing.T) {
	const sources, early, late = 5, 20, 40 // all of them fit into the receiver's buffer: none is lost when it is late
	to, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	_ = to.SetReadBuffer(1 << 20) // or as much of it as the system allows
	_ = to.SetReadDeadline(time.Now().Add(2 * patience))
	address, dir, client := flowtest.FreeAddress(t), t.TempDir(), browser(t)
	flow := fmt.Sprintf(datagramFlow, address, "nobody.invalid:4242")
	run := start(t, dir, flow, "--admin", "127.0.0.1:0")
	send := func(source, from, to int) {
		for n := from; n < to; n++ {
			for end := time.Now().Add(patience); ; {
				r, answer, err := post(client, "http://"+address, fmt.Sprintf(`{"source":%d,"n":%d}`, source, n))
				if err == nil && r.StatusCode == http.StatusOK {
					break
				}
				if time.Now().After(end) {
					t.Errorf("never accepted: %v %s", err, answer)
					return
				}
				<-time.After(time.Millisecond) // nobody may be there
			}
		}
	}
	var accepted time.Time // when the first record was
	began := time.Now()
	for n := range early { // in turn, so that the order of all is known
		for source := range sources {
			send(source, n, n+1)
			if accepted.IsZero() {
				accepted = time.Now()
			}
		}
		if n == early/2 {
			run.Kill()
			run = start(t, dir, flow, "--admin", "127.0.0.1:0")
		}
	}
	age := func() float64 {
		run.logged("where its API is", func(text string) bool { return strings.Contains(text, "admin API listens") })
		admin := regexp.MustCompile(`admin API listens on http://(\S+)`).FindStringSubmatch(run.Stderr.String())
		return samples(scrape(t, admin[1]))[`flowrun_connector_oldest_queued_event_age_seconds{connector="out",flow="flow",type="udp_client"}`]
	}
	least := time.Since(accepted).Seconds()
	if got, most := age(), time.Since(began).Seconds(); got < least || got > most {
		t.Errorf("the first record has been waiting for %v s, it is told, which is not between %v and %v", got, least, most)
	}
	run.logged("that the name has no address", func(text string) bool { return strings.Contains(text, "nobody.invalid") })

	got := make(chan error, 1)
	var mu sync.Mutex
	next, seen := make([]int, sources), 0
	go func() {
		buf := make([]byte, 1000)
		for done := 0; done < sources; {
			n, err := to.Read(buf)
			if err != nil {
				got <- err
				return
			}
			var r record
			if err := json.Unmarshal(buf[:n], &r); err != nil || r.Source >= sources {
				got <- fmt.Errorf("%q came: %w", buf[:n], err)
				return
			}
			mu.Lock()
			seen++
			switch {
			case r.N > next[r.Source]:
				got <- fmt.Errorf("number %d of source %d came before number %d", r.N, r.Source, next[r.Source])
			case r.N == next[r.Source]:
				if next[r.Source]++; r.N == early+late-1 {
					done++
				}
			}
			mu.Unlock()
		}
		got <- nil
	}()
	through := func(part, of int) {
		eventually(t, "a part", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return next[0] >= early+late*part/of
		})
	}
	// The flow is corrected, and goes on with what its queue holds.
	flow = fmt.Sprintf(datagramFlow, address, to.LocalAddr())
	if err := os.WriteFile(filepath.Join(dir, "flow.hcl"), []byte(flow), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	through(0, 1)
	eventually(t, "nothing to wait", func() bool { return age() == 0 })
	var all sync.WaitGroup
	for source := range sources {
		all.Go(func() { send(source, early, early+late) })
	}
	const kills = 3
	for i := range kills {
		through(i+1, kills+1)
		run.Kill()
		run = start(t, dir, flow)
	}
	all.Wait()
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records, %d of them more than once", sources*(early+late), seen-sources*(early+late))
	if err := run.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	run.exits(0)
	if left, _ := filepath.Glob(filepath.Join(dir, "queue", "*.q1")); len(left) > 0 {
		t.Errorf("left on the disk: %v", left)
	}
}
