package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/notice"
)

// hearer brings the names of those whom notices are about.
func hearer(ready chan<- struct{}) *parts {
	return &parts{shape: flow.Shape{Role: flow.Source, Out: true, Background: true}, run: func(ctx context.Context, h flow.Host) error {
		l, err := h.Open(flow.Peer{}, nil)
		if err != nil {
			return err
		}
		defer l.Close(ctx, nil)
		heard := h.(notice.Observable).Notices(100, func(n notice.Notice) bool { return n.Type == notice.StatsUpdate })
		defer heard.Close()
		ready <- struct{}{}
		for {
			select {
			case <-ctx.Done():
				return nil
			case n := <-heard.C:
				about := "process"
				if n.Connector != nil {
					about = n.Connector.Flow + " " + n.Connector.Address()
				}
				_ = l.Receive(ctx, []flow.Frame{{Data: []byte(about)}})
			}
		}
	}}
}

func TestNothingIsToldOfItsDelivery(t *testing.T) {
	notices := new(feed.Feed[notice.Notice])
	ready, a, b := make(chan struct{}, 2), newSink(), newSink()
	one, two := hearer(ready), hearer(ready)
	file := &flowfile.File{
		Name: "f",
		Connectors: []*flowfile.ConnectorBlock{
			connector("one", one), connector("a", a), connector("two", two), connector("b", b), connector("other", newSink()),
		},
		Connects: []*flowfile.ConnectBlock{connect("x", "connector.one.out > connector.a.in"), connect("y", "connector.two.out > connector.b.in")},
	}
	r := start(t, file, func(o *Options) { o.Notices = notices })
	<-ready
	<-ready
	tell := func() {
		for _, about := range []*flow.Component{
			{Flow: "f", Kind: "connector", Name: "one"}, {Flow: "f", Kind: "connector", Name: "a"},
			{Flow: "f", Kind: "connector", Name: "b"}, {Flow: "f", Kind: "connect", Name: "y"},
			{Flow: "f", Kind: "connector", Name: "other"}, {Flow: "g", Kind: "connector", Name: "a"}, nil,
		} {
			notices.Publish(notice.Of(notice.StatsUpdate, about))
		}
	}
	heard := func(want ...string) {
		t.Helper()
		for _, s := range []*sink{a, b} {
			for tick := time.NewTicker(time.Millisecond); len(s.events()) < len(want); {
				<-tick.C
			}
			if got := s.events(); !slices.Equal(got, want) {
				t.Errorf("heard %q, want %q", got, want)
			}
		}
	}
	tell()
	before := []string{"f connector.other", "g connector.a", "process"}
	heard(before...)

	next := *file
	next.Drain = flowfile.DefaultDrain()
	next.Connects = append(slices.Clone(file.Connects), connect("z", "connector.one.out > connector.other.in"))
	if _, err := r.Reload(t.Context(), []*flowfile.File{&next}); err != nil {
		t.Fatal(err)
	}
	tell()
	heard(append(before, "g connector.a", "process")...)
}

func TestHealthIsTold(t *testing.T) {
	notices := new(feed.Feed[notice.Notice])
	told := notices.Subscribe(100)
	defer told.Close()
	tries := 0
	flaky := &parts{shape: flow.Shape{Role: flow.Client, In: true, Out: true}, run: func(ctx context.Context, h flow.Host) error {
		if tries++; tries == 3 {
			l, err := h.Open(flow.Peer{Host: "192.0.2.1", Port: 7}, newSink())
			if err != nil {
				return err
			}
			l.Close(ctx, &flow.Ended{Meta: flow.ObjectOf(flow.Field{Key: "code", Value: flow.IntOf(1001)})})
		}
		return errors.New("no")
	}}
	r := start(t, &flowfile.File{
		Name:       "f",
		Connectors: []*flowfile.ConnectorBlock{connector("up", flaky, func(c *flowfile.Common) { c.Reconnect.Interval, c.Reconnect.MaxRetries = 1, 3 }), connector("edge", newSink())},
		Connects:   []*flowfile.ConnectBlock{connect("x", "connector.up.out > connector.edge.in")},
	}, func(o *Options) { o.Notices = notices })
	var got []string
	for n := range told.C {
		if n.Connector.Name != "up" {
			continue
		}
		n.Time = time.Time{}
		text := string(notice.Append(nil, n))
		_, text, _ = strings.Cut(text, `"data":`)
		got = append(got, n.Type+" "+strings.ReplaceAll(text, r.boot, "boot"))
		if strings.Contains(text, `"failed"`) {
			break
		}
	}
	want := []string{
		`backend.health {"name":"up","healthy":false,"flow":"f","state":"backing off"}}`,
		`connection.new {"protocol":"test","host":"192.0.2.1:7","backend":"up","client_ip":"","flow":"f","id":"boot/f/up/1","peer":"192.0.2.1:7","peer_host":"192.0.2.1","peer_port":7}}`,
		`backend.health {"name":"up","healthy":true,"flow":"f","state":"open"}}`,
		`connection.close {"protocol":"test","host":"192.0.2.1:7","backend":"up","client_ip":"","flow":"f","id":"boot/f/up/1","peer":"192.0.2.1:7","peer_host":"192.0.2.1","peer_port":7,"code":1001}}`,
		`backend.health {"name":"up","healthy":false,"flow":"f","state":"backing off"}}`,
		`backend.health {"name":"up","healthy":false,"flow":"f","state":"failed"}}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("told:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
