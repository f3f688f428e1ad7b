package peer

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/compare"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/message"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/wire"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc6455"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc7692"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// visit is a connection whose request has been read.
type visit struct {
	gate *wire.Gate
	net.Conn
	in  *bufio.Reader
	req *http.Request
}

// enter takes the next connection, with TLS where the peer speaks it.
func (p *Peer) enter(ctx context.Context) (*visit, error) {
	p.hangUp()
	nc, err := p.door.Next(ctx, p.Index, !p.greeted)
	if err != nil {
		return nil, &message.Unexpected{What: "nobody connected" + soon(err)}
	}
	p.greeted = true
	if n := p.script.Config.ReceiveBuffer; n > 0 {
		if tcp, ok := nc.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(int(n))
		}
	}
	g := wire.NewGate(nc)
	v := &visit{gate: g, Conn: g}
	if p.tls != nil {
		t := tls.Server(g, p.tls)
		if err := t.HandshakeContext(ctx); err != nil {
			_ = g.Close()
			return nil, fmt.Errorf("TLS handshake with a client: %w", wire.Cause(err))
		}
		v.Conn = t
	}
	p.log.Add("accepted  a connection")
	v.in = bufio.NewReader(v.Conn)
	return v, nil
}

// receive takes the next connection and reads its request.
func (p *Peer) receive(ctx context.Context) (*visit, error) {
	v, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = v.SetDeadline(time.Unix(1, 0)) })
	v.req, err = http.ReadRequest(v.in)
	stop()
	if err != nil {
		_ = v.Close()
		if ctx.Err() != nil {
			return nil, &message.Unexpected{What: "the client sent no request" + soon(context.Cause(ctx))}
		}
		return nil, fmt.Errorf("the client's request: %w", wire.Cause(err))
	}
	p.log.Add("asked for %s %s", v.req.Method, v.req.URL.Path)
	return v, nil
}

// asked is the request as a value.
func (v *visit) asked() flow.Event {
	query := flow.NewObject(0)
	q := v.req.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(q)) {
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
	Where  flow.Expr        `hcl:"where" vars:"index|n|saved|text" doc:"what must hold of the request: event is {method, path, query, headers, subprotocols}"`
	Save   flow.Expr        `hcl:"save" vars:"index|n|saved|text" doc:"values of the request to keep, an object: later steps know them as saved.<name>"`
	TCP    bool             `hcl:"tcp" doc:"no handshake: the steps raw and expect_raw write and read bytes"`
	Within setting.Duration `hcl:"within" min:"1ms" doc:"deadline; 30s when not given, since a client may have to start"`
}

// Check implements Checker.
func (a *Accept) Check() error {
	if a.TCP && (a.Where != nil || a.Save != nil) {
		return errors.New("with tcp there is no request to check")
	}
	return nil
}

// Run implements Step.
func (a *Accept) Run(ctx context.Context, p *Peer) error {
	if p.door == nil {
		return errors.New("a client dials: accept is for peers that listen")
	}
	ctx, cancel := p.deadline(ctx, cmp.Or(a.Within, acceptFor))
	defer cancel()
	if a.TCP {
		v, err := p.enter(ctx)
		if err == nil {
			p.converse(v.Conn, v.in, v.gate, wire.Options{Bare: true})
		}
		return err
	}
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

// admit checks the request and upgrades the connection.
func (a *Accept) admit(p *Peer, v *visit) error {
	e := v.asked()
	if err := p.holds(a.Where, &e, "", "the client's request is not as expected"); err != nil {
		return err
	}
	c := &p.script.Config
	if want := c.Listen.Path; want != "" && want != v.req.URL.Path {
		return &message.Unexpected{What: "the client asked for another path", Expected: []string{want}, Got: v.req.URL.Path}
	}
	key := v.req.Header.Get("Sec-Websocket-Key")
	if !strings.EqualFold(v.req.Header.Get("Upgrade"), "websocket") || key == "" {
		return &message.Unexpected{What: "the client did not ask for a WebSocket", Got: compare.Short(e.Value)}
	}
	p.Take(e, "")
	h := http.Header{}
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	h.Set("Sec-Websocket-Accept", rfc6455.Accept(key))
	for _, s := range c.Subprotocols {
		if slices.Contains(v.protocols(), s) {
			h.Set("Sec-Websocket-Protocol", s)
			break
		}
	}
	terms, answer := rfc7692.Answer(c.Compression, strings.Join(v.req.Header.Values("Sec-Websocket-Extensions"), ","))
	o := wire.Options{}
	if answer != "" {
		h.Set("Sec-Websocket-Extensions", answer)
		o.Deflate, o.Inflate = rfc7692.Pair(terms.Server, terms.Client)
	}
	if err := p.addHeaders(h, c.Headers); err != nil {
		return err
	}
	if err := p.respond(v, http.StatusSwitchingProtocols, h, ""); err != nil {
		return err
	}
	p.converse(v.Conn, v.in, v.gate, o)
	return p.Save(a.Save)
}

// respond writes an answer to the handshake.
func (p *Peer) respond(v *visit, status int, h http.Header, body string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	_ = h.Write(&b) // a strings.Builder does not fail
	b.WriteString("\r\n" + body)
	_ = v.SetWriteDeadline(time.Now().Add(answerWithin))
	if _, err := io.WriteString(v.Conn, b.String()); err != nil {
		return fmt.Errorf("answer the handshake: %w", wire.Cause(err))
	}
	p.log.Add("answered  %d %s", status, http.StatusText(status))
	return nil
}

// Refuse is the step `refuse`.
type Refuse struct {
	Status  int              `hcl:"status" min:"0" max:"599" doc:"what the handshake is answered with; 0 cuts the connection"`
	Headers flow.Expr        `hcl:"headers" vars:"index|n|saved|text" doc:"header fields of the answer, an object"`
	Body    flow.Expr        `hcl:"body" vars:"index|n|saved|text" doc:"the answer's body, a text"`
	Where   flow.Expr        `hcl:"where" vars:"index|n|saved|text" doc:"what must hold of the request, as in accept"`
	Within  setting.Duration `hcl:"within" min:"1ms" doc:"deadline; 30s when not given"`
}

// Check implements Checker.
func (r *Refuse) Check() error {
	if r.Status == http.StatusSwitchingProtocols || r.Status > 0 && r.Status < 100 {
		return &setting.Error{Field: "status", Err: fmt.Errorf("%d refuses nothing: write a status like 401 or 503", r.Status)}
	}
	return nil
}

// Run implements Step.
func (r *Refuse) Run(ctx context.Context, p *Peer) error {
	if p.door == nil {
		return errors.New("refuse is for peers that listen")
	}
	ctx, cancel := p.deadline(ctx, cmp.Or(r.Within, acceptFor))
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
	p.Take(e, "")
	if r.Status == 0 {
		p.log.Add("cut       before the answer")
		return nil
	}
	var body []byte
	if r.Body != nil {
		if body, err = p.Text(r.Body, "body"); err != nil {
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
