package listen

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pires/go-proxyproto"
	"go.uber.org/zap"
)

// trusted are the proxies that say, in a header of the PROXY protocol, on whose
// behalf they connect. The connections of others are what they seem: a header that
// they send is no HTTP.
type trusted struct {
	proxies []netip.Prefix
	timeout time.Duration
	log     *zap.Logger
}

// take returns the connection that a client has by way of conn, or conn.
func (l *trusted) take(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok || !l.trusts(tcp.RemoteAddr()) {
		return conn
	}
	return &proxied{TCPConn: tcp, by: l}
}

func (l *trusted) trusts(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return false
	}
	from := tcp.AddrPort().Addr().Unmap().WithZone("")
	for _, n := range l.proxies {
		if n.Contains(from) {
			return true
		}
	}
	return false
}

// proxied is a connection that begins with a header of the PROXY protocol. It
// is read, by whoever first asks for anything, to its last byte and not further:
// the socket below is then that of the client.
type proxied struct {
	*net.TCPConn
	by     *trusted
	once   sync.Once
	client net.Addr
	broken bool
}

// Read implements net.Conn.
func (c *proxied) Read(p []byte) (int, error) {
	if c.once.Do(c.begin); c.broken {
		return 0, io.EOF // which net/http does not answer
	}
	return c.TCPConn.Read(p)
}

// RemoteAddr is the client's address: net/http asks for it in the connection's
// own goroutine, before it reads.
func (c *proxied) RemoteAddr() net.Addr {
	c.once.Do(c.begin)
	return c.client
}

// begin reads the header.
func (c *proxied) begin() {
	c.client = c.TCPConn.RemoteAddr()
	_ = c.SetReadDeadline(time.Now().Add(c.by.timeout)) // reading shows what is wrong with the connection
	header, err := readProxyHeader(c.TCPConn)
	if err != nil {
		c.broken = true
		c.by.log.Info("a trusted proxy has sent no header of the PROXY protocol", zap.Stringer("peer", c.client), zap.Error(err))
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	if from, _, ok := header.TCPAddrs(); ok && header.Command.IsProxy() { // else the proxy itself is the client
		c.client = from
	}
}

const (
	proxyPrefix = 15  // bytes of the shortest header, of version 1
	proxyLine   = 107 // of the longest one
	proxyFixed  = 16  // of version 2, before what its length counts
	proxyMost   = 4096
)

// readProxyHeader reads one header. Version 1 has no length: the end of its line
// is looked for byte by byte.
func readProxyHeader(r io.Reader) (*proxyproto.Header, error) {
	buf := make([]byte, proxyPrefix, proxyLine)
	if _, err := io.ReadFull(r, buf); err != nil {
		return nil, err
	}
	more := func(n int) error {
		at := len(buf)
		buf = append(buf, make([]byte, n)...)
		_, err := io.ReadFull(r, buf[at:])
		return err
	}
	switch {
	case bytes.HasPrefix(buf, proxyproto.SIGV2):
		if err := more(proxyFixed - proxyPrefix); err != nil {
			return nil, err
		}
		length := int(binary.BigEndian.Uint16(buf[proxyFixed-2:]))
		if length > proxyMost {
			return nil, errors.New("the header is too long")
		}
		if err := more(length); err != nil {
			return nil, err
		}
	case bytes.HasPrefix(buf, proxyproto.SIGV1):
		for buf[len(buf)-1] != '\n' {
			if len(buf) == proxyLine {
				return nil, errors.New("the header is too long")
			}
			if err := more(1); err != nil {
				return nil, err
			}
		}
	default:
		return nil, errors.New("the connection begins with something else")
	}
	return proxyproto.Read(bufio.NewReaderSize(bytes.NewReader(buf), len(buf)))
}
