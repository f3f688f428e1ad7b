package flow

import (
	"time"
)

// Queue bounds what waits for one connection that is not ready to take it.
type Queue struct {
	MaxEvents    int      `hcl:"max_events" min:"1" doc:"messages that may wait"`
	MaxBytes     Size     `hcl:"max_bytes" min:"1B" doc:"bytes that may wait"`
	Overflow     string   `hcl:"overflow" oneof:"disconnect|drop_oldest|drop_newest|block" doc:"what happens when one more comes"`
	WriteTimeout Duration `hcl:"write_timeout" min:"1ms" doc:"how long one write may take before the connection is given up"`
}

// SocketOptions tune TCP sockets.
type SocketOptions struct {
	NoDelay   bool     `hcl:"no_delay" doc:"send small writes at once (TCP_NODELAY)"`
	ReuseAddr bool     `hcl:"reuse_addr" doc:"listen although old connections linger on the address (SO_REUSEADDR)"`
	ReusePort bool     `hcl:"reuse_port" doc:"share the address with other processes (SO_REUSEPORT)"`
	Keepalive Duration `hcl:"keepalive" doc:"period of TCP keep-alive probes; 0s for none"`
}

// DefaultSocketOptions returns the defaults of SocketOptions.
func DefaultSocketOptions() SocketOptions {
	return SocketOptions{NoDelay: true, ReuseAddr: true, Keepalive: Duration(15 * time.Second)}
}

// TLSServer is the `tls` block of a listener, with what it was checked to be.
type TLSServer struct {
	Cert       Path   `hcl:"cert" required:"true" doc:"certificate chain, PEM file"`
	Key        Path   `hcl:"key" required:"true" doc:"private key, PEM file"`
	ClientCA   Path   `hcl:"client_ca" doc:"PEM file of authorities that sign client certificates"`
	ClientAuth string `hcl:"client_auth" oneof:"none|request|require" doc:"whether clients must show a certificate of client_ca; require when client_ca is given"`
	MinVersion string `hcl:"min_version" oneof:"1.2|1.3" doc:"oldest TLS version accepted"`
}

// TLSClient is the `tls` block of a connector that dials.
type TLSClient struct {
	CAFile     Path   `hcl:"cafile" doc:"PEM file of the authorities to trust; the system's when not given"`
	Domain     string `hcl:"domain" doc:"name that the server's certificate must carry; the URL's host when not given"`
	Cert       Path   `hcl:"cert" doc:"client certificate chain, PEM file"`
	Key        Path   `hcl:"key" doc:"private key of the client certificate, PEM file"`
	Insecure   bool   `hcl:"insecure" doc:"accept any certificate; for tests only"`
	MinVersion string `hcl:"min_version" oneof:"1.2|1.3" doc:"oldest TLS version accepted"`
}
