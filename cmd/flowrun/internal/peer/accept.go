package peer

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// door accepts the connections of a listening peer. The first go to the
// instances in their order, one each; those that follow to whoever accepts
// once more.
type door struct {
	net.Listener
	tls   *tls.Config
	first []chan net.Conn
	more  chan net.Conn
	ended chan struct{}
	once  sync.Once
	done  chan struct{}
	came  atomic.Int64
}

func newDoor(l net.Listener, conf *tls.Config, instances int) *door {
	d := &door{Listener: l, tls: conf, more: make(chan net.Conn), ended: make(chan struct{}), done: make(chan struct{})}
	for range instances {
		d.first = append(d.first, make(chan net.Conn, 1))
	}
	go d.serve()
	return d
}

// addr is where it listens; a nil door does not.
func (d *door) addr() string {
	if d == nil {
		return ""
	}
	return d.Addr().String()
}

func (d *door) serve() {
	defer close(d.done)
	for {
		nc, err := d.Accept()
		if err != nil {
			return
		}
		i := int(d.came.Add(1)) - 1
		if i < len(d.first) {
			d.first[i] <- nc
			continue
		}
		select {
		case d.more <- nc:
		case <-d.ended:
			_ = nc.Close()
		}
	}
}

// close ends the listening; nobody accepts any more.
func (d *door) close() {
	d.once.Do(func() { close(d.ended) })
	_ = d.Close()
	<-d.done
	for _, c := range d.first {
		select {
		case nc := <-c:
			_ = nc.Close()
		default:
		}
	}
}

// next returns the next connection for an instance.
func (p *Peer) next(ctx context.Context) (net.Conn, error) {
	from := p.door.first[p.index]
	if p.greeted {
		from = p.door.more
	}
	select {
	case nc := <-from:
		p.greeted = true
		return nc, nil
	case <-ctx.Done():
		return nil, &unexpected{what: "nobody connected" + soon(context.Cause(ctx))}
	}
}

// visit is a connection whose request has been read.
type visit struct {
	gate *gate
	net.Conn
	in  *bufio.Reader
	req *http.Request
}

// receive takes the next connection and reads its request.
func (p *Peer) receive(ctx context.Context) (*visit, error) {
	p.hangUp()
	nc, err := p.next(ctx)
	if err != nil {
		return nil, err
	}
	if n := p.script.Config.ReceiveBuffer; n > 0 {
		if tcp, ok := nc.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(int(n))
		}
	}
	g := newGate(nc)
	v := &visit{gate: g, Conn: g}
	if p.door.tls != nil {
		t := tls.Server(g, p.door.tls)
		if err := t.HandshakeContext(ctx); err != nil {
			_ = g.Close()
			return nil, fmt.Errorf("TLS handshake with a client: %w", cause(err))
		}
		v.Conn = t
	}
	p.log.add("accepted  a connection")
	stop := context.AfterFunc(ctx, func() { _ = v.SetDeadline(time.Unix(1, 0)) })
	v.in = bufio.NewReader(v.Conn)
	v.req, err = http.ReadRequest(v.in)
	stop()
	if err != nil {
		_ = v.Close()
		if ctx.Err() != nil {
			return nil, &unexpected{what: "the client sent no request" + soon(context.Cause(ctx))}
		}
		return nil, fmt.Errorf("the client's request: %w", cause(err))
	}
	p.log.add("asked for %s %s", v.req.Method, v.req.URL.Path)
	return v, nil
}

// asked is the request as a value.
func (v *visit) asked() flow.Event {
	query := flow.NewObject(0)
	q := v.req.URL.Query()
	names := make([]string, 0, len(q))
	for name := range q {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		query.Set(name, flow.TextOf(q.Get(name)))
	}
	h := v.req.Header.Clone()
	h.Set("Host", v.req.Host)
	var protocols []flow.Value
	for _, s := range v.protocols() {
		protocols = append(protocols, flow.TextOf(s))
	}
	return flow.Event{Value: flow.MapOf(flow.ObjectOf(
		flow.Field{Key: "method", Value: flow.TextOf(v.req.Method)},
		flow.Field{Key: "path", Value: flow.TextOf(v.req.URL.Path)},
		flow.Field{Key: "query", Value: flow.MapOf(query)},
		flow.Field{Key: "headers", Value: headerValue(h)},
		flow.Field{Key: "subprotocols", Value: flow.ListOf(protocols)},
	))}
}

func (v *visit) protocols() (all []string) {
	for _, line := range v.req.Header.Values("Sec-Websocket-Protocol") {
		for s := range strings.SplitSeq(line, ",") {
			all = append(all, strings.TrimSpace(s))
		}
	}
	return all
}

// Accept is the step `accept`.
type Accept struct {
	Where  flow.Expr     `hcl:"where" vars:"index|n|saved|text" doc:"what must hold of the request: event is {method, path, query, headers, subprotocols}"`
	Save   flow.Expr     `hcl:"save" vars:"index|n|saved|text" doc:"values of the request to keep, an object: later steps know them as saved.<name>"`
	Within flow.Duration `hcl:"within" doc:"deadline; 30s when not given, since a client may have to start"`
}

// Run implements Step.
func (a *Accept) Run(ctx context.Context, p *Peer) error {
	if p.door == nil {
		return errors.New("a client dials: accept is for peers that listen")
	}
	ctx, cancel := p.deadline(ctx, acceptDeadline(a.Within))
	defer cancel()
	v, err := p.receive(ctx)
	if err != nil {
		return err
	}
	if err := a.admit(p, v); err != nil {
		_ = v.Close()
		return err
	}
	return nil
}

func acceptDeadline(own flow.Duration) flow.Duration {
	if own == 0 {
		return flow.Duration(acceptFor)
	}
	return own
}

// admit checks the request and upgrades the connection.
func (a *Accept) admit(p *Peer, v *visit) error {
	e := v.asked()
	if err := p.holds(a.Where, &e, "", "the client's request is not as expected"); err != nil {
		return err
	}
	c := &p.script.Config
	if want := c.Listen.Path; want != "" && want != v.req.URL.Path {
		return &unexpected{what: "the client asked for another path", expected: []string{want}, got: v.req.URL.Path}
	}
	key := v.req.Header.Get("Sec-Websocket-Key")
	if !strings.EqualFold(v.req.Header.Get("Upgrade"), "websocket") || key == "" {
		return &unexpected{what: "the client did not ask for a WebSocket", got: spell(e.Value)}
	}
	p.take(e, "")
	h := http.Header{}
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	h.Set("Sec-Websocket-Accept", acceptKey(key))
	for _, s := range c.Subprotocols {
		if slices.Contains(v.protocols(), s) {
			h.Set("Sec-Websocket-Protocol", s)
			break
		}
	}
	if err := p.addHeaders(h, c.Headers); err != nil {
		return err
	}
	if err := p.respond(v, http.StatusSwitchingProtocols, h, ""); err != nil {
		return err
	}
	p.conn = newConn(v.Conn, v.in, v.gate, p, false, false)
	return p.save(a.Save)
}

// respond writes an answer to the handshake.
func (p *Peer) respond(v *visit, status int, h http.Header, body string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	_ = h.Write(&b) // a strings.Builder does not fail
	b.WriteString("\r\n" + body)
	_ = v.SetWriteDeadline(time.Now().Add(farewell))
	if _, err := io.WriteString(v.Conn, b.String()); err != nil {
		return fmt.Errorf("answer the handshake: %w", cause(err))
	}
	p.log.add("answered  %d %s", status, http.StatusText(status))
	return nil
}

// Refuse is the step `refuse`.
type Refuse struct {
	Status  int           `hcl:"status" min:"0" max:"599" doc:"what the handshake is answered with; 0 cuts the connection (503)"`
	Headers flow.Expr     `hcl:"headers" vars:"index|n|saved|text" doc:"header fields of the answer, an object"`
	Body    flow.Expr     `hcl:"body" vars:"index|n|saved|text" doc:"the answer's body, a text"`
	Where   flow.Expr     `hcl:"where" vars:"index|n|saved|text" doc:"what must hold of the request, as in accept"`
	Within  flow.Duration `hcl:"within" doc:"deadline; 30s when not given"`
}

// Check implements Checker.
func (r *Refuse) Check() error {
	if r.Status == http.StatusSwitchingProtocols || r.Status > 0 && r.Status < 100 {
		return &flow.FieldError{Field: "status", Err: fmt.Errorf("%d refuses nothing: write a status like 401 or 503", r.Status)}
	}
	return nil
}

// Run implements Step.
func (r *Refuse) Run(ctx context.Context, p *Peer) error {
	if p.door == nil {
		return errors.New("refuse is for peers that listen")
	}
	ctx, cancel := p.deadline(ctx, acceptDeadline(r.Within))
	defer cancel()
	v, err := p.receive(ctx)
	if err != nil {
		return err
	}
	defer v.Close()
	e := v.asked()
	if err := p.holds(r.Where, &e, "", "the client's request is not as expected"); err != nil {
		return err
	}
	p.take(e, "")
	if r.Status == 0 {
		p.log.add("cut       before the answer")
		return nil
	}
	var body []byte
	if r.Body != nil {
		if body, err = p.evalText(r.Body, "body"); err != nil {
			return err
		}
	}
	h := http.Header{}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	h.Set("Connection", "close")
	if err := p.addHeaders(h, r.Headers); err != nil {
		return err
	}
	return p.respond(v, r.Status, h, string(body))
}
