package interop

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

// device is a client of window.hcl.
type device struct {
	*websocket.Conn
	messages [][]byte
	end      error         // what ended it
	ended    chan struct{} // closed when messages and end are there
}

// figures are what comes back.
type figures struct {
	Site      string
	Count     int
	Mean, P99 float64
	Devices   []string // ids of connections, others each time
}

func connectDevice(t *testing.T, ctx context.Context, addr string, config *tls.Config) *device {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	c, _, err := websocket.Dial(ctx, "wss://"+addr, &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	d := &device{Conn: c, ended: make(chan struct{})}
	go func() {
		defer close(d.ended)
		for {
			_, message, err := c.Read(ctx)
			if err != nil {
				d.end = err
				return
			}
			d.messages = append(d.messages, message)
		}
	}()
	t.Cleanup(func() { c.CloseNow() })
	return d
}

func (d *device) measures(t *testing.T, ctx context.Context, site string, value int) {
	t.Helper()
	if err := d.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"site":%q,"value":%d}`, site, value)); err != nil {
		t.Fatal(err)
	}
}

// got waits for the end, and compares the only message that came with want;
// of the devices that took part, only how many there are.
func (d *device) got(t *testing.T, want figures, devices int) {
	t.Helper()
	<-d.ended
	if code := websocket.CloseStatus(d.end); code != websocket.StatusGoingAway {
		t.Errorf("the device is left with %v", d.end)
	}
	if len(d.messages) != 1 {
		t.Fatalf("the device gets %d messages: %s", len(d.messages), d.messages)
	}
	var got figures
	if err := json.Unmarshal(d.messages[0], &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Devices) != devices {
		t.Errorf("%d devices took part, not %d", len(got.Devices), devices)
	}
	got.Devices = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the device gets other figures (-want +got):\n%s", diff)
	}
}
