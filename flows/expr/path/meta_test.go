package path

import (
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

// TestMetaScalar: each scalar of the part of meta that follows from the
// connection is found as it stands in the whole.
func TestMetaScalar(t *testing.T) {
	e := &flow.Event{Meta: flow.Meta{Binary: true}, Origin: &flow.Origin{
		Connector: &flow.Component{Boot: "n.b", Flow: "f", Type: "ws_server", Name: "edge"}, Peer: flow.Peer{Host: "h", Port: 1, TLS: true},
	}}
	found := 0
	var visit func(path []flow.Step, v flow.Value)
	visit = func(path []flow.Step, v flow.Value) {
		got, ok := metaScalar(e, path)
		if isScalar := v.Kind() != flow.Map; ok != isScalar || ok && !got.Equal(v) {
			t.Errorf("%v: got %v %v, want %v", path, got, ok, v)
		} else if isScalar {
			found++
		}
		for _, f := range v.Object().Fields() {
			visit(append(path[:len(path):len(path)], flow.Step{Key: f.Key}), f.Value)
		}
	}
	visit(nil, flow.MapOf(e.MetaValue()))
	if found != 5 {
		t.Errorf("found %d scalars, want 5", found)
	}
	tls := []flow.Step{{Key: "ws_server"}, {Key: "tls"}}
	for _, e := range []*flow.Event{{}, {Origin: &flow.Origin{}}, {Origin: &flow.Origin{Connector: &flow.Component{Type: "ws_server"}}}} {
		if _, ok := metaScalar(e, tls); ok || e.MetaValue().Len() != 0 {
			t.Error("an event without a connection has no scalars")
		}
	}
	if n := testing.AllocsPerRun(100, func() { metaScalar(e, tls) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
