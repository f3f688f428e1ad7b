package setting

import "time"

// SocketOptions tune TCP sockets.
type SocketOptions struct {
	NoDelay   bool     `hcl:"no_delay" doc:"send small writes at once (TCP_NODELAY)"`
	ReuseAddr bool     `hcl:"reuse_addr" doc:"listen although old connections linger on the address (SO_REUSEADDR)"`
	ReusePort bool     `hcl:"reuse_port" doc:"share the address with other processes (SO_REUSEPORT)"`
	Keepalive Duration `hcl:"keepalive" doc:"period of TCP keep-alive probes; 0s for none. A peer that has answered nothing for ten periods is given up, and on Linux one that has not acknowledged what was sent to it for so long, too"`
}

// DefaultSocketOptions returns the defaults of SocketOptions.
func DefaultSocketOptions() SocketOptions {
	return SocketOptions{NoDelay: true, ReuseAddr: true, Keepalive: Duration(15 * time.Second)}
}
