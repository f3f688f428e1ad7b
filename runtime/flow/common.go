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

// Reconnect says how a connector that lost its world is run again.
type Reconnect struct {
	Interval    Duration `hcl:"interval" min:"1ms" doc:"wait before the first new attempt"`
	GrowthRate  float64  `hcl:"growth_rate" min:"1" doc:"factor from one wait to the next"`
	MaxInterval Duration `hcl:"max_interval" min:"1ms" doc:"longest wait"`
	Randomized  bool     `hcl:"randomized" doc:"waits are chosen at random around the computed one, so that clients do not return in step"`
	MaxRetries  int      `hcl:"max_retries" min:"0" doc:"attempts in a row before the connector gives up; 0 for no limit. A success starts the count anew"`
}

// Common are the arguments that every connector has beside its own.
type Common struct {
	Required  bool      `hcl:"required" doc:"the process is ready only while this connector is up"`
	OnFailure string    `hcl:"on_failure" oneof:"continue|exit" doc:"what the process does when the connector has given up"`
	OnDecode  string    `hcl:"on_decode_error" oneof:"err|drop|close" doc:"what happens to a message that cannot be decoded: to the err port, counted only, or the connection is closed"`
	Reconnect Reconnect `hcl:"reconnect" doc:"how a lost connection or a failed start is tried again"`
}

// DefaultCommon returns the defaults of Common.
func DefaultCommon() Common {
	return Common{
		Required:  true,
		OnFailure: "continue",
		OnDecode:  "err",
		Reconnect: Reconnect{
			Interval:    Duration(500 * time.Millisecond),
			GrowthRate:  2,
			MaxInterval: Duration(30 * time.Second),
			Randomized:  true,
		},
	}
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
