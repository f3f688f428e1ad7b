package path

import "github.com/flowrun/flowrun/runtime/flow"

// metaScalar returns one of the scalars of `meta` that follow from the
// connection alone, without building the objects around it; false where path
// leads to none of them.
func metaScalar(e *flow.Event, path []flow.Step) (flow.Value, bool) {
	o := e.Origin
	if o == nil || o.Connector == nil || o.Peer.Host == "" || len(path) < 2 || path[0].Key != o.Connector.Type {
		return flow.NullValue, false
	}
	if len(path) == 2 {
		switch path[1].Key {
		case "tls":
			return flow.BoolOf(o.Peer.TLS), true
		case "binary":
			return flow.BoolOf(e.Meta.Binary), true
		}
	}
	if len(path) == 3 && path[1].Key == "peer" {
		switch path[2].Key {
		case "id", "host", "port":
			return o.PeerField(path[2].Key), true
		}
	}
	return flow.NullValue, false
}
