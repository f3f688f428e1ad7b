package flow

import "testing"

// TestMetaScalar: each scalar of the part of meta that follows from the
// connection is found as it stands in the whole.
func TestMetaScalar(t *testing.T) {
	e := &Event{Meta: Meta{Binary: true}, Origin: &Origin{
		Connector: &Component{Boot: "n.b", Flow: "f", Type: "ws_server", Name: "edge"}, Peer: Peer{Host: "h", Port: 1, TLS: true},
	}}
	found := 0
	var visit func(path []Step, v Value)
	visit = func(path []Step, v Value) {
		got, ok := e.MetaScalar(path)
		if isScalar := v.Kind() != Map; ok != isScalar || ok && !got.Equal(v) {
			t.Errorf("%v: got %v %v, want %v", path, got, ok, v)
		} else if isScalar {
			found++
		}
		for _, f := range v.Object().Fields() {
			visit(append(path[:len(path):len(path)], Step{Key: f.Key}), f.Value)
		}
	}
	visit(nil, MapOf(e.MetaValue()))
	if found != 5 {
		t.Errorf("found %d scalars, want 5", found)
	}
	tls := []Step{{Key: "ws_server"}, {Key: "tls"}}
	for _, e := range []*Event{{}, {Origin: &Origin{}}, {Origin: &Origin{Connector: &Component{Type: "ws_server"}}}} {
		if _, ok := e.MetaScalar(tls); ok || e.MetaValue().Len() != 0 {
			t.Error("an event without a connection has no scalars")
		}
	}
	if n := testing.AllocsPerRun(100, func() { e.MetaScalar(tls) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
