package listen

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"sync/atomic"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
	"go.uber.org/zap"
)

// entrance accepts connections on the terms of the time.
type entrance struct {
	net.Listener
	on       atomic.Pointer[terms]
	whole    func(conn net.Conn) bool          // takes connections as they are, where that is wanted
	headless func(conn net.Conn, first []byte) // takes connections without a handshake
}

// terms are what all routes on an address agree on.
type terms struct {
	whole        bool             // connections are taken as they are: they need not be HTTP
	certificates *tlsfiles.Keeper // nil for plain connections
	trusted      *trusted         // nil where no proxy says on whose behalf it connects
}

func termsOf(spec flow.ListenSpec, whole bool, log *zap.Logger) (*terms, error) {
	t := &terms{whole: whole}
	if spec.Proxies != nil {
		t.trusted = &trusted{spec.Proxies, timeoutOf(spec), log}
	}
	if spec.TLS == nil {
		return t, nil
	}
	var protocols []string
	if !whole {
		protocols = []string{"http/1.1"} // which alone lets a WebSocket take its connection over
	}
	var err error
	t.certificates, err = tlsfiles.Keep(spec.TLS, log, protocols...)
	return t, err
}

// agree reports what of the terms a route cannot live with.
func (t *terms) agree(spec flow.ListenSpec, whole bool) error {
	if whole || t.whole {
		return fmt.Errorf("listen %s: another connector listens there, and an address is shared only by those that speak HTTP: choose another one", spec.Address)
	}
	var now *setting.TLSServer
	if t.certificates != nil {
		now = t.certificates.From()
	}
	if (now == nil) != (spec.TLS == nil) || now != nil && *now != *spec.TLS {
		return fmt.Errorf("listen %s: another connector listens there with other tls settings: make them the same, or choose another port", spec.Address)
	}
	if (t.trusted == nil) != (spec.Proxies == nil) || t.trusted != nil && !slices.Equal(t.trusted.proxies, spec.Proxies) {
		return fmt.Errorf("listen %s: another connector listens there with other settings of proxy_protocol and trusted_proxies: make them the same, or choose another port", spec.Address)
	}
	return nil
}

// Accept implements net.Listener, for connections of HTTP.
func (e *entrance) Accept() (net.Conn, error) {
	for {
		conn, err := e.Listener.Accept()
		if err != nil {
			return nil, err
		}
		on := e.on.Load()
		if on.trusted != nil {
			conn = on.trusted.take(conn)
		}
		if on.certificates != nil {
			conn = tls.Server(conn, on.certificates.Config())
		}
		switch {
		case e.whole(conn):
		case on.certificates != nil:
			return conn, nil
		default:
			return watchBeginning(conn, e.headless), nil
		}
	}
}
