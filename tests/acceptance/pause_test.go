package acceptance

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/tests/wire"
)

// pausable drains as long as it takes; %s are settings of the server.
const pausable = `
flow {
  drain {
    timeout = "2m"
  }
}

connector "ws_server" "edge" {
  url   = "127.0.0.1:0"
  codec = "json"
  %s
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`

// steered is a process with an admin API.
type steered struct {
	*flowrun
	api string
}

func startSteered(t *testing.T, flow string) *steered {
	t.Helper()
	t.Setenv("FLOWRUN_ADMIN_TOKEN", "of-the-test")
	s := &steered{flowrun: start(t, "", flow, "--admin", "127.0.0.1:0")}
	listens := regexp.MustCompile(`the admin API listens on (http://\S+)`)
	s.logged("it says where its API is", func(text string) bool {
		if m := listens.FindStringSubmatch(text); m != nil {
			s.api = m[1]
		}
		return s.api != ""
	})
	return s
}

// ask sends a request to the API and decodes the answer, which has that status.
func (s *steered) ask(status int, method, path, body string, to any) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(withPatience(s.t), method, s.api+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer of-the-test")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && to != nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil || answer.StatusCode != status {
		s.t.Fatalf("%s %s: %s, %v: %s", method, path, answer.Status, err, text)
	}
}

// crowded has clients connect that send a message at once.
func (s *steered) crowded(count int) (all []*wire.Conn, say func(i int) string) {
	s.t.Helper()
	addr := s.address("edge")
	all = make([]*wire.Conn, count)
	say = func(i int) string { return fmt.Sprintf(`{"client":%d}`, i) }
	each(s.t, count, 32, func(i int) (err error) {
		if all[i], err = dial(addr, nil); err != nil {
			return err
		}
		return all[i].Send(wire.Fin|wire.Text, []byte(say(i)))
	})
	s.t.Cleanup(func() {
		for _, c := range all {
			if c != nil {
				_ = c.Close()
			}
		}
	})
	return all, say
}

type described struct {
	Paused   bool
	Counters struct {
		Connections int
		EventsIn    int `json:"events_in"`
	}
}

// TestAPausedConnectorKeepsWhatComes pauses one whose sweep parts from who is
// silent; so it does from a client that has nothing to say, and not from those whose
// message waits. A reload changes nothing of that.
func TestAPausedConnectorKeepsWhatComes(t *testing.T) {
	s := startSteered(t, fmt.Sprintf(pausable, `idle_timeout = "5s"
  ping {
    interval = "2s"
    timeout  = "2s"
  }`))
	var c described
	if s.ask(200, "POST", "/api/v1/connectors/edge/pause", "", &c); !c.Paused {
		t.Error("it is not paused")
	}
	all, say := s.crowded(50)
	silent := mustDial(t, s.address("edge"))
	for {
		if f, err := silent.Next(); err != nil || f.Opcode == wire.Close {
			break // the sweep has been there
		}
	}
	s.ask(200, "POST", "/api/v1/reload", "", nil)
	s.ask(503, "GET", "/readyz", "", nil)
	if s.ask(200, "GET", "/api/v1/connectors/edge", "", &c); !c.Paused || c.Counters.EventsIn > 0 || c.Counters.Connections < len(all) {
		t.Errorf("now it is %+v", c)
	}
	if s.ask(200, "POST", "/api/v1/connectors/edge/resume", "", &c); c.Paused {
		t.Error("it is paused still")
	}
	each(t, len(all), len(all), func(i int) error { return expect(all[i], say(i)) })
	s.ask(200, "GET", "/readyz", "", nil)
}

// TestAPausedFlowDrains has what a thousand clients have said wait, and then the end
// of the process: each is answered, and told goodbye.
func TestAPausedFlowDrains(t *testing.T) {
	clients := 1000
	if testing.Short() {
		clients /= 10
	}
	s := startSteered(t, fmt.Sprintf(pausable, ""))
	var f struct{ Status string }
	if s.ask(200, "PATCH", "/api/v1/flows/flow", `{"status":"paused"}`, &f); f.Status != "paused" {
		t.Errorf("the flow is %s", f.Status)
	}
	s.ask(409, "POST", "/api/v1/connectors/edge/resume", "", nil)
	all, say := s.crowded(clients)
	if t.Failed() {
		return
	}
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	each(t, clients, clients, func(i int) error {
		if err := expect(all[i], say(i)); err != nil {
			return fmt.Errorf("client %d: %w", i, err)
		}
		for {
			switch frame, err := all[i].Next(); {
			case err != nil:
				return fmt.Errorf("client %d waits for its close: %w", i, err)
			case frame.Opcode == wire.Close && frame.Code() == 1001:
				return all[i].Send(wire.Fin|wire.Close, frame.Payload)
			case frame.Opcode != wire.Ping:
				return fmt.Errorf("client %d got opcode %d, %.100q", i, frame.Opcode, frame.Payload)
			}
		}
	})
	s.exits(0)
}

// TestAPauseOutlastsTheConnector changes a paused server: who waited there is
// answered and told to come back, and finds its successor paused as well.
func TestAPauseOutlastsTheConnector(t *testing.T) {
	text := strings.Replace(fmt.Sprintf(pausable, `idle_timeout = "10m"`), "127.0.0.1:0", flowtest.FreeAddress(t), 1)
	s := startSteered(t, text)
	s.ask(200, "POST", "/api/v1/connectors/edge/pause", "", nil)
	all, say := s.crowded(20)
	changed := strings.Replace(text, `"10m"`, `"11m"`, 1)
	if err := os.WriteFile(filepath.Join(s.dir, "flow.hcl"), []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	var done struct{ Restarted int }
	if s.ask(200, "POST", "/api/v1/reload", "", &done); done.Restarted != 1 {
		t.Fatalf("the reload has restarted %d", done.Restarted)
	}
	each(t, len(all), len(all), func(i int) error {
		if err := expect(all[i], say(i)); err != nil {
			return err
		}
		for {
			if f, err := all[i].Next(); err != nil || f.Opcode == wire.Close && f.Code() != 1012 {
				return fmt.Errorf("got %v, %w, not close 1012", f, err)
			} else if f.Opcode == wire.Close {
				return nil
			}
		}
	})
	var c described
	if s.ask(200, "GET", "/api/v1/connectors/edge", "", &c); !c.Paused || c.Counters.EventsIn > 0 {
		t.Errorf("its successor is %+v", c)
	}
	s.ask(200, "POST", "/api/v1/connectors/edge/resume", "", nil)
	if err := echoes(mustDial(t, s.address("edge")), `{"again":1}`); err != nil {
		t.Error(err)
	}
}
