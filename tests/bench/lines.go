package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/tests/process"
	"github.com/flowrun/flowrun/tests/wire"
)

// jsonLines are the messages of the case lines: each is its line, and its frame.
func jsonLines() (in, out [][]byte, err error) {
	for seq := range 512 {
		line := fmt.Appendf(nil, `{"conn":"1","seq":"%06d","symbol":"EURUSD","price":1.08342,"size":250000,"side":"buy","venue":"XTKS","tags":["a","b"],"note":"01234"}`, seq)
		in, out = append(in, line), append(out, line)
	}
	return in, out, nil
}

// forwardFlag makes this process the baseline of lines.
const forwardFlag = "forward"

// forwarder is the baseline of the case lines: what one writes by hand when lines of
// JSON that come over TCP are to leave as frames of one WebSocket.
type forwarder struct {
	mu sync.Mutex
	to *websocket.Conn
}

// forwardLines serves until it is killed. The connection to upstream is made when
// the first line comes.
func forwardLines(upstream string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "lines listens on tcp://%s, process %d\n", l.Addr(), os.Getpid())
	f := &forwarder{}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go f.take(c, upstream)
	}
}

func (f *forwarder) take(c net.Conn, upstream string) {
	defer c.Close() //nolint:errcheck // it was read only
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		if json.Valid(lines.Bytes()) && f.send(upstream, lines.Bytes()) != nil {
			return
		}
	}
}

func (f *forwarder) send(upstream string, message []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx := context.Background()
	if f.to == nil {
		to, _, err := websocket.Dial(ctx, "ws://"+upstream+"/", nil) //nolint:bodyclose // the library has it
		if err != nil {
			return err
		}
		f.to = to
		go func() { _, _, _ = to.Read(ctx) }() // answers what the other side asks for
	}
	return f.to.Write(ctx, websocket.MessageText, message)
}

// upstream is the WebSocket server that a server sends lines on to: an ear.
type upstream struct {
	net.Listener
	conn *wire.Conn // the first that has come
}

func newUpstream() (*upstream, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	return &upstream{Listener: l}, err
}

// Next implements ear.
func (u *upstream) Next() (wire.Frame, error) {
	if u.conn == nil {
		c, err := u.Accept()
		if err == nil {
			u.conn, err = wire.Accept(c)
		}
		if err != nil {
			return wire.Frame{}, err
		}
	}
	return u.conn.Next()
}

// Ready implements ear.
func (u *upstream) Ready() bool { return u.conn != nil && u.conn.Ready() }

// Send implements ear. A server's control frames have no mask, which their sender may
// leave out: nobody asks for any here.
func (u *upstream) Send(byte, []byte) error { return errors.New("a client does not ping") }

func (u *upstream) stop() {
	if u.conn != nil {
		_ = u.conn.Close() // its client has been killed
	}
	_ = u.Close()
}

// startLines starts what takes lines, and sends them to an upstream of its own.
func (b *bench) startLines(ctx context.Context, what string) (*server, error) {
	u, err := newUpstream()
	if err != nil {
		return nil, err
	}
	addr := u.Addr().String()
	var s *server
	if what == loop {
		s, err = b.serve(ctx, "lines", process.Options{}, b.myself, "-"+forwardFlag, addr)
	} else {
		s, err = b.serve(ctx, "edge", process.Options{}, b.binary, "server", "run", "--var", "upstream="+addr, filepath.Join(b.dir, what))
	}
	if err != nil {
		u.stop()
		return nil, err
	}
	s.upstream = u
	return s, nil
}

// lined measures a server between one that sends it lines and the upstream.
func (b *bench) lined(ctx context.Context, c kase, s *server) (f figure, err error) {
	messages, err := c.messages()
	if err != nil {
		return f, err
	}
	sends, err := new(net.Dialer).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return f, err
	}
	defer sends.Close() //nolint:errcheck // what was sent has been heard
	_ = sends.SetDeadline(time.Now().Add(b.window + patience))
	return messages.figure(b, c, s, sends, func(dst, line []byte) []byte { return append(append(dst, line...), '\n') }, s.upstream)
}
