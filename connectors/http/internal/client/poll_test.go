package client

import (
	"errors"
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestPoll(t *testing.T) {
	var tries atomic.Int32
	var conditions [10]string
	var version atomic.Int32
	url := behind(t, func(w http.ResponseWriter, r *http.Request) {
		n := tries.Add(1)
		if n <= 10 {
			conditions[n-1] = r.Header.Get("If-None-Match") + r.Header.Get("If-Modified-Since")
		}
		tag := fmt.Sprintf(`"v%d"`, version.Load())
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Etag", tag)
		_, _ = io.WriteString(w, tag)
	})
	refuse := atomic.Bool{}
	refuse.Store(true)
	a := startPoller(t, url, func(e *flow.Event) error {
		if refuse.CompareAndSwap(true, false) {
			return errors.New("not now")
		}
		return nil
	})
	a.host.Out.Wait(t, 1) // the first one is refused, and asked for again
	waitTries(t, &tries, 4)
	version.Store(1)
	a.host.Out.Wait(t, 2)
	if err := a.run.Stop(); err != nil {
		t.Error(err)
	}
	if got := strings.Join(flowtest.Texts(t, a.host.Out.Events()), " "); got != "v0 v1" {
		t.Errorf("events: %s", got)
	}
	if got := conditions[:3]; got[0] != "" || got[1] != "" || got[2] != `"v0"` {
		t.Errorf("asked with %q", got)
	}
}

func startPoller(t testing.TB, url string, refuse func(*flow.Event) error) *asking {
	t.Helper()
	config := configure(t, url, func(c *Config) { c.Poll = &Poll{Interval: setting.Duration(10 * time.Millisecond)} })
	connector, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	h := flowtest.NewHost(t, flowtest.Options{Shape: config.Shape(), Codec: json(t)})
	h.Out.Refuse = refuse
	a := &asking{t, h, flowtest.Start(t, connector, h)}
	t.Cleanup(func() { _ = a.run.Stop() })
	return a
}

func waitTries(t testing.TB, tries *atomic.Int32, n int32) {
	t.Helper()
	flowtest.Until(t, fmt.Sprintf("there are %d requests", n), func() bool { return tries.Load() >= n })
}

// A poll that fails ends the session, for the engine to begin another.
func TestAPollThatFails(t *testing.T) {
	var tries atomic.Int32
	a := startPoller(t, answers(t, &tries, good, good, status(502)), nil)
	if err := a.run.Wait(); err == nil || !strings.Contains(err.Error(), "502 Bad Gateway") {
		t.Errorf("Run returned %v", err)
	}
	if len(a.host.Out.Events()) != 2 || a.host.Opened() != 1 || a.host.Closed() != 1 {
		t.Errorf("%d events, %d sessions of which %d have ended", len(a.host.Out.Events()), a.host.Opened(), a.host.Closed())
	}
}
