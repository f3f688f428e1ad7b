package acceptance

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/flowrun/flowrun/runtime/flowtest"
)

// counted is a flow in which everything happens that is counted: answers, filters,
// conditions that fail, messages that are none, a server that goes away, one that is
// never there, and an audience that is not, either.
const counted = `
connector "ws_server" "edge" {
  url   = "127.0.0.1:0"
  codec = "json"
}

connector "ws_server" "nobody" {
  url   = "127.0.0.1:0"
  codec = "json"
}

connector "ws_client" "feed" {
  url   = %q
  codec = "json"
  reconnect {
    interval     = "5ms"
    max_interval = "50ms"
  }
}

connector "ws_client" "never" {
  url      = %q
  codec    = "json"
  required = false
  reconnect {
    interval   = "1h"
    max_interval = "1h"
    randomized = false
  }
  queue {
    max_events = 2
    overflow   = "drop_newest"
  }
}

pipeline "even" {
  filter "only" {
    where = event.n %% 2 == 0
  }
}

connect "echo" {
  from  = connector.edge
  where = event.do == "echo"
  via   = [pipeline.even]
  to    = connector.edge
}

connect "forward" {
  from  = connector.edge
  where = event.do == "forward"
  to    = connector.feed
}

connect "wait" {
  from  = connector.edge
  where = event.do == "wait"
  to    = connector.never
}

connect "shout" {
  from    = connector.edge
  where   = event.do == "shout"
  to      = connector.nobody
  deliver = "broadcast"
}

connect "odd" {
  from         = connector.edge
  where        = event.do == "odd" ? lower(event.n) == "x" : false
  to           = connector.nobody
  deliver      = "broadcast"
}
`

// tally is what a client has sent and got.
type tally struct{ sent, sentBytes, got, gotBytes int }

// TestMetricsAgree runs clients that count, and compares. They leave in three ways,
// and a server that the process talks to goes away and comes back.
func TestMetricsAgree(t *testing.T) {
	const clients, rounds = 6, 10
	var accepted, heard, heardBytes atomic.Int64
	leave := make(chan struct{})
	u := &upstream{t: t, addr: flowtest.FreeAddress(t)}
	u.serve = func(ctx context.Context, c *websocket.Conn) {
		accepted.Add(1)
		go func() {
			select {
			case <-leave:
				_ = c.Close(4001, "come back")
			case <-ctx.Done():
			}
		}()
		for {
			_, message, err := c.Read(ctx)
			if err != nil {
				return
			}
			heard.Add(1)
			heardBytes.Add(int64(len(message)))
		}
	}
	u.start()
	f := start(t, "", fmt.Sprintf(counted, "ws://"+u.addr, "ws://"+flowtest.FreeAddress(t)), "--admin", "127.0.0.1:0")
	edge := f.address("edge")
	admin := regexp.MustCompile(`admin API listens on http://(\S+)`).FindStringSubmatch(f.Stderr.String())
	if admin == nil {
		t.Fatal("it does not say where the admin API is")
	}

	sums := make([]tally, clients)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() { sums[i] = talk(t, edge, rounds, i) })
	}
	all.Wait()
	await(t, "the server has what is for it", func() bool { return heard.Load() == clients*rounds })
	for n := range int64(3) {
		leave <- struct{}{}
		await(t, "the process connects again", func() bool { return accepted.Load() == n+2 })
	}

	var sum tally
	for _, s := range sums {
		sum.sent, sum.sentBytes, sum.got, sum.gotBytes = sum.sent+s.sent, sum.sentBytes+s.sentBytes, sum.got+s.got, sum.gotBytes+s.gotBytes
	}
	const each = clients * rounds // of what every client does once a round
	if sum.got != each || sum.sent != 7*each {
		t.Fatalf("the clients have %+v", sum)
	}
	of := func(connector, name string) string {
		kind := map[string]string{"edge": "ws_server", "nobody": "ws_server", "feed": "ws_client", "never": "ws_client"}[connector]
		return "flowrun_connector_" + strings.Replace(name, "{", fmt.Sprintf(`{connector=%q,flow="flow",type=%q,`, connector, kind), 1)
	}
	want := map[string]int{
		of("edge", "connections_opened_total{}"):                         clients,
		of("edge", "connections{}"):                                      0,
		of("edge", `connections_closed_total{code="1000",cause="peer"}`): clients / 3,
		of("edge", `connections_closed_total{code="4xxx",cause="peer"}`): clients / 3,
		of("edge", `connections_closed_total{code="1006",cause="lost"}`): clients / 3,
		of("edge", "handshake_duration_seconds_count{}"):                 clients,
		of("edge", "events_received_total{}"):                            sum.sent - each, // the others are none
		of("edge", "received_bytes_total{}"):                             sum.sentBytes,
		of("edge", "events_sent_total{}"):                                sum.got,
		of("edge", "sent_bytes_total{}"):                                 sum.gotBytes,
		of("edge", "event_latency_seconds_count{}"):                      sum.got,
		of("edge", `errors_total{kind="decode"}`):                        each,
		of("edge", `errors_total{kind="where"}`):                         each,
		of("edge", "events_failed_total{}"):                              2 * each, // these, which nobody has taken
		of("edge", "queued_events{}"):                                    0,

		of("feed", "events_sent_total{}"):                                int(heard.Load()),
		of("feed", "sent_bytes_total{}"):                                 int(heardBytes.Load()),
		of("feed", "connections_opened_total{}"):                         4,
		of("feed", "reconnects_total{}"):                                 3,
		of("feed", `connections_closed_total{code="4xxx",cause="peer"}`): 3,
		of("feed", "handshake_duration_seconds_count{}"):                 4,
		of("feed", `state{state="open"}`):                                1,

		of("never", "attempts_total{}"):                          1,
		of("never", "failed_attempts{}"):                         1,
		of("never", `state{state="backing_off"}`):                1,
		of("never", "queued_events{}"):                           2,
		of("never", `events_lost_total{reason="queue_full"}`):    each - 2,
		of("nobody", `events_lost_total{reason="nobody_there"}`): each,

		`flowrun_pipeline_step_events_received_total{flow="flow",pipeline="even",step="filter.only"}`: 2 * each,
		`flowrun_pipeline_step_events_sent_total{flow="flow",pipeline="even",step="filter.only"}`:     each,
		`flowrun_pipeline_step_events_dropped_total{flow="flow",pipeline="even",step="filter.only"}`:  each,
	}
	for connect, n := range map[string][3]int{ // delivered, failed, filtered
		"echo": {2 * each, 0, 4 * each}, "forward": {each, 0, 5 * each}, "wait": {each, 0, 5 * each}, "shout": {each, 0, 5 * each}, "odd": {0, each, 5 * each},
	} {
		for i, result := range []string{"delivered", "failed", "filtered"} {
			want[fmt.Sprintf(`flowrun_connect_events_total{connect=%q,flow="flow",result=%q}`, connect, result)] = n[i]
		}
	}
	var text string
	agree := func(tell func(string, ...any)) bool {
		text = scrape(t, admin[1])
		got := samples(text)
		same := true
		for name, n := range want {
			if v, ok := got[sorted(name)]; !ok || v != float64(n) {
				same = false
				tell("%s is %v, not %d", sorted(name), v, n)
			}
		}
		return same
	}
	// The last connections are ending while the first scrape is on its way.
	for ctx := withPatience(t); ctx.Err() == nil && !agree(func(string, ...any) {}); {
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
	agree(t.Errorf)
	if t.Failed() {
		t.Log(text)
	}
	checkMetrics(t, text)
}

// talk sends in each round one message of every kind, and two of which one comes
// back; then it leaves.
func talk(t *testing.T, addr string, rounds, i int) (sum tally) {
	ctx := withPatience(t)
	c, _, err := websocket.Dial(ctx, "ws://"+addr, nil)
	if err != nil {
		t.Error(err)
		return sum
	}
	defer c.CloseNow()
	for n := range rounds {
		for _, message := range []string{
			`{"do":"forward"}`, `{"do":"wait"}`, `{"do":"shout"}`, `{"do":"odd","n":17}`, `{"do":`,
			fmt.Sprintf(`{"do":"echo","n":%d}`, 2*n+1), fmt.Sprintf(`{"do":"echo","n":%d}`, 2*n),
		} {
			if err := c.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
				t.Error(err)
				return sum
			}
			sum.sent++
			sum.sentBytes += len(message)
		}
		_, answer, err := c.Read(ctx)
		if want := fmt.Sprintf(`{"do":"echo","n":%d}`, 2*n); err != nil || string(answer) != want {
			t.Errorf("got %q, %v, not %s", answer, err, want)
			return sum
		}
		sum.got++
		sum.gotBytes += len(answer)
	}
	switch i % 3 {
	case 0:
		err = c.Close(websocket.StatusNormalClosure, "")
	case 1:
		err = c.Close(4000, "")
	default:
		err = c.CloseNow()
	}
	if err != nil {
		t.Error(err)
	}
	return sum
}

func scrape(t *testing.T, admin string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(withPatience(t), http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("scrape: %s, %v", answer.Status, err)
	}
	return string(text)
}

// samples reads the text format of Prometheus: values by name and labels.
func samples(text string) map[string]float64 {
	all := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if space := strings.LastIndexByte(line, ' '); !strings.HasPrefix(line, "#") && space > 0 {
			if v, err := strconv.ParseFloat(line[space+1:], 64); err == nil {
				all[line[:space]] = v
			}
		}
	}
	return all
}

// sorted spells a name with its labels in the order of the format.
func sorted(name string) string {
	name, labels, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
	byName := map[string]bool{}
	for label := range strings.SplitSeq(labels, ",") {
		if label != "" {
			byName[label] = true
		}
	}
	return name + "{" + strings.Join(slices.Sorted(maps.Keys(byName)), ",") + "}"
}

// checkMetrics has Prometheus' own program look at a scrape, where it is there:
// .ci/run sees to it that it is.
func checkMetrics(t *testing.T, text string) {
	t.Helper()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Log("not checked by promtool, which is not on the PATH")
		return
	}
	check := exec.CommandContext(withPatience(t), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
