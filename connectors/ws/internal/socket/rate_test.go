package socket

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
)

// A peer may send at its rate for ever, and a burst after a rest. Whatever kind of
// frame exceeds it ends the connection, what came before is delivered.
func TestRates(t *testing.T) {
	text := masked(nil, frame.Fin|frame.Text, 1, []byte("hello"))
	ping := masked(nil, frame.Fin|frame.Ping, 1, nil)
	fragments := append(masked(nil, frame.Text, 1, nil), bytes.Repeat(masked(nil, 0, 1, nil), 30)...)
	for _, tt := range []struct {
		name  string
		rate  Rate
		send  []byte
		every time.Duration
		times int
		limit string
	}{
		{"as many as may be", Rate{Frames: 10, Burst: time.Second}, text, 100 * time.Millisecond, 1000, ""},
		{"a burst in each second", Rate{Frames: 10, Burst: time.Second}, bytes.Repeat(text, 10), time.Second, 20, ""},
		{"a burst too large", Rate{Frames: 10, Burst: time.Second}, bytes.Repeat(text, 11), time.Second, 1, "messages_per_second"},
		{"a little too fast", Rate{Frames: 10, Burst: time.Second}, text, 95 * time.Millisecond, 1000, "messages_per_second"},
		{"pings", Rate{Frames: 10, Burst: time.Second}, bytes.Repeat(ping, 11), time.Second, 1, "messages_per_second"},
		{"fragments", Rate{Frames: 10, Burst: time.Second}, fragments, time.Second, 1, "messages_per_second"},
		{"as many bytes as may be", Rate{Bytes: 110, Burst: time.Second}, text, 100 * time.Millisecond, 1000, ""},
		{"too many bytes", Rate{Bytes: 110, Burst: time.Second}, text, 90 * time.Millisecond, 1000, "bytes_per_second"},
		{"a message too large", Rate{Bytes: 110, Burst: time.Second}, masked(nil, frame.Fin|frame.Text, 1, make([]byte, 111)), time.Second, 1, "bytes_per_second"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := hold(t, Options{Rate: tt.rate, CloseTimeout: time.Second})
				var sender sync.WaitGroup
				defer sender.Wait()
				sender.Go(func() {
					for range tt.times {
						if _, err := h.there.Write(tt.send); err != nil {
							return
						}
						time.Sleep(tt.every)
					}
					_ = h.there.Close()
				})
				var got []byte
				for {
					p := make([]byte, 1000)
					n, err := h.there.Read(p)
					if got = append(got, p[:n]...); err != nil {
						break
					}
				}
				var rate *RateError
				err := <-h.ended
				if errors.As(err, &rate) != (tt.limit != "") || rate != nil && rate.Limit != tt.limit {
					t.Errorf("ended with %v", err)
				}
				all := frames(got)
				if tt.limit != "" && (len(all) == 0 || !strings.Contains(all[len(all)-1], "limits."+tt.limit)) {
					t.Errorf("told %q", all)
				}
				if tt.limit == "" && strings.Contains(tt.name, "as may be") && len(all) != tt.times {
					t.Errorf("%d answers to %d messages", len(all), tt.times)
				}
			})
		})
	}
}

func BenchmarkSpend(b *testing.B) {
	c := New(&script{}, nil, NewGroup(Options{Rate: Rate{Frames: 1e9, Bytes: 1e12, Burst: time.Second}}))
	for b.Loop() {
		if err := c.spend(100); err != nil {
			b.Fatal(err)
		}
	}
}
