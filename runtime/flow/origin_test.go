package flow

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"go.uber.org/zap"
)

func origin() *Origin {
	h := http.Header{}
	h.Set("User-Agent", "test")
	h.Set("Cookie", "a=1; b=2")
	return &Origin{
		Connector: &Component{Boot: "node.1", Flow: "f", Kind: "connector", Type: "ws_server", Name: "edge"},
		Seq:       7,
		Peer:      Peer{Host: "::1", Port: 9, TLS: true, Path: "/x", Query: "q=1&q=2&r=%20", Header: WireHeader(h), Params: map[string]string{"id": "i"}},
	}
}

func TestPeerFields(t *testing.T) {
	o := origin()
	object := func(name, key string) Value {
		v, _ := o.PeerField(name).Object().Get(key)
		return v
	}
	for _, tt := range []struct {
		got  Value
		want Value
	}{
		{o.PeerField("id"), TextOf("node.1/f/edge/7")},
		{o.PeerField("connector"), TextOf("edge")},
		{o.PeerField("port"), IntOf(9)},
		{o.PeerField("tls"), BoolOf(true)},
		{object("query", "q"), TextOf("1")},
		{object("query", "r"), TextOf(" ")},
		{object("headers", "user-agent"), TextOf("test")},
		{object("cookies", "b"), TextOf("2")},
		{object("params", "id"), TextOf("i")},
		{o.PeerField("subprotocol"), NullValue},
		{o.PeerField("nonsense"), NullValue},
		{(*Origin)(nil).PeerField("id"), NullValue},
	} {
		if !tt.got.Equal(tt.want) {
			t.Errorf("got %v %q, want %q", tt.got.Kind(), tt.got.Text(), tt.want.Text())
		}
	}
	if o.Peer.Addr() != "[::1]:9" || o.PeerValue().Len() != len(PeerFields) {
		t.Error("the peer is not whole")
	}
}

func TestMetaIsDerivedSaidAndWritten(t *testing.T) {
	e := Event{Origin: origin()}
	e.Meta.Binary = true
	e.Meta.Wrote = ObjectOf(Field{"ws_server", MapOf(ObjectOf(Field{"binary", BoolOf(false)}))}, Field{"mine", IntOf(1)})
	m, _ := e.MetaValue().Get("ws_server")
	binary, _ := m.Object().Get("binary")
	tls, _ := m.Object().Get("tls")
	peer, _ := m.Object().Get("peer")
	host, _ := peer.Object().Get("host")
	if binary.Bool() || !tls.Bool() || host.Text() != "::1" {
		t.Error("meta.ws_server is not what the connection is with what the flow wrote on top")
	}
	if e.Meta.Wrote.Len() != 2 {
		t.Error("reading meta has changed it")
	}
}

type sinkFunc func([]Event) error

func (f sinkFunc) Send(_ context.Context, batch []Event) error { return f(batch) }

func TestProblemsHandled(t *testing.T) {
	p := &Problems{Component: &Component{Kind: "connector", Name: "edge"}, Log: zap.NewNop()}
	cause := errors.New("bad")
	problem := Problem{Kind: "decode", Err: cause, Raw: []byte("raw"), Event: Event{Origin: origin(), Meta: Meta{Binary: true}}}
	if err := p.Handle(t.Context(), problem); !errors.Is(err, cause) {
		t.Errorf("without an err port: %v", err)
	}
	var got []Event
	p.Port.Connect(sinkFunc(func(batch []Event) error { got = append(got, batch...); return nil }))
	if err := p.Handle(t.Context(), problem); err != nil || len(got) != 1 || !got[0].Meta.Binary {
		t.Fatalf("with an err port: %v, %d events", err, len(got))
	}
	what, _ := got[0].Value.Object().Get("error")
	at, _ := what.Object().Get("component")
	raw, _ := got[0].Value.Object().Get("raw")
	peer, _ := got[0].Value.Object().Get("peer")
	if at.Text() != "connector.edge" || string(raw.Bytes()) != "raw" || peer.Object().Len() != 4 {
		t.Error("the err event does not say what and who")
	}
	p.Port.Connect(sinkFunc(func([]Event) error { return errors.New("no room") }))
	if err := p.Handle(t.Context(), problem); !errors.Is(err, cause) {
		t.Errorf("an err port that refuses: %v", err)
	}
	// A problem on the way to err is not sent to err.
	p.Port.Connect(sinkFunc(func([]Event) error { return nil }))
	if err := p.Handle(context.WithValue(t.Context(), errPath{}, true), problem); !errors.Is(err, cause) {
		t.Errorf("on the err path: %v", err)
	}
	if n := p.Counts(); n.Total() != 4 || n[slices.Index(ProblemKinds[:], "decode")] != 4 {
		t.Errorf("counted %v", n)
	}
}

func TestPortAndBatchError(t *testing.T) {
	var p Port
	batch := make([]Event, 3)
	if err := p.Send(t.Context(), batch); err != nil || p.Dropped() != 3 {
		t.Errorf("an unconnected port: %v, dropped %d", err, p.Dropped())
	}
	var err error
	Fail(&err, 1, ErrGone)
	Fail(&err, 2, ErrFull)
	p.Connect(sinkFunc(func([]Event) error { return err }))
	got := p.Send(t.Context(), batch)
	if !errors.Is(got, ErrGone) || got.Error() != ErrGone.Error()+" (and 1 more events)" {
		t.Errorf("got %v", got)
	}
	var failed []int
	Failures(got, 3, func(i int, _ error) { failed = append(failed, i) })
	Failures(errors.New("all"), 2, func(i int, _ error) { failed = append(failed, 10+i) })
	Failures(nil, 2, func(int, error) { t.Error("nothing has failed") })
	if len(failed) != 4 || failed[0] != 1 || failed[1] != 2 || failed[2] != 10 || failed[3] != 11 {
		t.Errorf("failed %v", failed)
	}
	p.Connect(nil)
	if p.Connected() {
		t.Error("still connected")
	}
}
