package peer

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/compare"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/message"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/wire"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc6455"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc7692"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
)

const (
	maxBody      = 64 << 10                           // of an answer that is no upgrade
	acceptFor    = setting.Duration(30 * time.Second) // how long a server waits for a connection
	answerWithin = 10 * time.Second                   // how long the write of an answer may take
	again        = 20 * time.Millisecond              // between two attempts to connect
)

func (c *Config) clientTLS() (*tls.Config, error) {
	if c.TLS == nil && c.Connect.Scheme != "wss" && c.Connect.Scheme != "https" {
		return nil, nil
	}
	t := setting.TLSClient{}
	if c.TLS != nil {
		t = setting.TLSClient{CAFile: c.TLS.CAFile, Domain: c.TLS.Domain, Insecure: c.TLS.Insecure, Cert: c.TLS.Cert, Key: c.TLS.Key, MinVersion: c.TLS.MinVersion}
	}
	conf, err := tlsfiles.Client(&t)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	if conf.ServerName == "" {
		conf.ServerName = c.Connect.Host
	}
	return conf, nil
}

func (c *Config) serverTLS() (*tls.Config, error) {
	if c.TLS == nil {
		return nil, nil
	}
	t := setting.TLSServer{Cert: c.TLS.Cert, Key: c.TLS.Key, ClientCA: c.TLS.ClientCA, MinVersion: c.TLS.MinVersion}
	conf, err := tlsfiles.Server(&t)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return conf, nil
}

// connection is the one that is open, or was; without one, the peer connects
// or accepts as `dial {}` and `accept {}` do.
func (p *Peer) connection(ctx context.Context) (*wire.Conn, error) {
	if p.conn == nil {
		var err error
		if p.door != nil {
			err = (&Accept{}).Run(ctx, p)
		} else {
			err = (&Dial{}).Run(ctx, p)
		}
		if err != nil {
			return nil, err
		}
		if p.conn == nil {
			return nil, errors.New("there is no connection")
		}
	}
	return p.conn, nil
}

// Dial is the step `dial`.
type Dial struct {
	Status  int              `hcl:"status" min:"100" max:"599" doc:"what the handshake must be answered with"`
	Where   flow.Expr        `hcl:"where" vars:"index|n|saved|text" doc:"what must hold of the answer: event is {status, headers, body, subprotocol}"`
	Save    flow.Expr        `hcl:"save" vars:"index|n|saved|text" doc:"values of the answer to keep, an object: later steps know them as saved.<name>"`
	Path    flow.Expr        `hcl:"path" vars:"index|n|saved|text" doc:"path and query, instead of those of the peer"`
	Headers flow.Expr        `hcl:"headers" vars:"index|n|saved|text" doc:"more header fields, an object"`
	Refused bool             `hcl:"refused" doc:"nobody must listen there"`
	TCP     bool             `hcl:"tcp" doc:"no handshake: the steps raw and expect_raw write and read bytes"`
	Within  setting.Duration `hcl:"within" min:"1ms" doc:"deadline for all of it; attempts are repeated as long as nobody listens"`
}

// Check implements Checker.
func (d *Dial) Check() error {
	if (d.Refused || d.TCP) && (d.Status != 0 || d.Where != nil || d.Save != nil || d.Refused && d.TCP) {
		return errors.New("with refused or tcp there is no answer to check")
	}
	return nil
}

// Run implements Step.
func (d *Dial) Run(ctx context.Context, p *Peer) error {
	if p.door != nil {
		return errors.New("a peer that listens accepts: dial is for clients")
	}
	p.hangUp()
	ctx, cancel := p.deadline(ctx, d.Within)
	defer cancel()
	g, nc, err := d.connect(ctx, p)
	if err != nil || d.Refused {
		return err
	}
	if d.TCP {
		p.converse(nc, bufio.NewReader(nc), g, wire.Options{Client: true, Bare: true})
		return nil
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	err = d.handshake(p, g, nc)
	stop()
	if p.conn == nil { // it was not upgraded
		_ = nc.Close()
	}
	if err != nil && ctx.Err() != nil {
		return &message.Unexpected{What: "no answer to the handshake" + soon(context.Cause(ctx))}
	}
	return err
}

// hangUp ends a connection that is still there.
func (p *Peer) hangUp() {
	if p.conn != nil {
		p.conn.Leave(true)
		p.conn = nil
	}
}

// connect opens the TCP connection, and TLS on it. Nothing is returned when
// that was to be refused, and was.
func (d *Dial) connect(ctx context.Context, p *Peer) (*wire.Gate, net.Conn, error) {
	c := &p.script.Config
	conf, err := c.clientTLS()
	if err != nil {
		return nil, nil, err
	}
	port := 80
	if conf != nil {
		port = 443
	}
	dialer := net.Dialer{Control: wire.ReceiveBuffer(c.ReceiveBuffer)}
	var nc net.Conn
	refused := false
	for {
		nc, err = dialer.DialContext(ctx, "tcp", c.Connect.OrPort(port).Addr())
		if end, ok := ctx.Deadline(); ok && time.Until(end) <= 0 {
			<-ctx.Done() // the dialer looks at the clock, and may be ahead of it
		}
		if ctx.Err() == nil {
			refused = errors.Is(err, syscall.ECONNREFUSED)
		}
		if refused && d.Refused {
			p.log.Add("refused   by %s", c.Connect)
			return nil, nil, nil
		}
		if err == nil && d.Refused {
			_ = nc.Close()
		} else if !refused {
			break
		}
		if !sleep(ctx, again) {
			break
		}
	}
	switch why := context.Cause(ctx); {
	case why != nil && d.Refused:
		return nil, nil, &message.Unexpected{What: fmt.Sprintf("a connection to %s was not refused%s", c.Connect, soon(why))}
	case why != nil && refused:
		return nil, nil, &message.Unexpected{What: fmt.Sprintf("connect to %s: connection refused: nobody listened there%s", c.Connect, soon(why))}
	case why != nil && err != nil:
		return nil, nil, &message.Unexpected{What: fmt.Sprintf("connect to %s: no answer%s", c.Connect, soon(why))}
	case err != nil:
		return nil, nil, fmt.Errorf("connect to %s: %w", c.Connect, wire.Cause(err))
	}
	g := wire.NewGate(nc)
	if conf == nil {
		p.log.Add("connected to %s", c.Connect)
		return g, g, nil
	}
	t := tls.Client(g, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = g.Close()
		if ctx.Err() != nil {
			return nil, nil, &message.Unexpected{What: "no answer to the TLS handshake" + soon(context.Cause(ctx))}
		}
		return nil, nil, fmt.Errorf("TLS handshake with %s: %w", c.Connect, wire.Cause(err))
	}
	p.log.Add("connected to %s, TLS", c.Connect)
	return g, t, nil
}

// handshake asks for the upgrade and checks the answer.
func (d *Dial) handshake(p *Peer, g *wire.Gate, nc net.Conn) error {
	c := &p.script.Config
	target, err := d.target(p)
	if err != nil {
		return err
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	h := http.Header{}
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	h.Set("Sec-Websocket-Version", "13")
	h.Set("Sec-Websocket-Key", key)
	if c.Compression != rfc7692.Off {
		h.Set("Sec-Websocket-Extensions", rfc7692.Offer(c.Compression))
	}
	if len(c.Subprotocols) > 0 {
		h.Set("Sec-Websocket-Protocol", strings.Join(c.Subprotocols, ", "))
	}
	if u := c.Connect.User; u != nil {
		password, _ := u.Password()
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	for _, x := range []flow.Expr{c.Headers, d.Headers} {
		if err := p.addHeaders(h, x); err != nil {
			return err
		}
	}
	host := c.Connect.Host
	if c.Connect.Port != endpoint.NoPort {
		host = c.Connect.Addr()
	}
	if v := h.Get("Host"); v != "" {
		host = v
		h.Del("Host")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", target, host)
	_ = h.Write(&b) // a strings.Builder does not fail
	b.WriteString("\r\n")
	path, _, _ := strings.Cut(target, "?") // behind it may be a secret
	p.log.Add("asked for %s", path)
	if _, err := io.WriteString(nc, b.String()); err != nil {
		return fmt.Errorf("handshake: %w", wire.Cause(err))
	}
	in := bufio.NewReader(nc)
	resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodGet})
	if err != nil {
		return fmt.Errorf("the handshake was not answered: %w", wire.Cause(err))
	}
	return d.answered(p, resp, key, func(o wire.Options) { p.converse(nc, in, g, o) })
}

// answered checks the answer of the server; upgraded is called when it agreed,
// with what was agreed on.
func (d *Dial) answered(p *Peer, resp *http.Response, key string, upgraded func(wire.Options)) error {
	var body []byte
	if resp.StatusCode != http.StatusSwitchingProtocols {
		body, _ = io.ReadAll(io.LimitReader(resp.Body, maxBody)) // as much as there is
		_ = resp.Body.Close()
	}
	p.log.Add("answered  %s", resp.Status)
	e := flow.Event{Value: flow.MapOf(flow.ObjectOf(
		flow.Field{Key: "status", Value: flow.IntOf(int64(resp.StatusCode))},
		flow.Field{Key: "headers", Value: headerValue(resp.Header)},
		flow.Field{Key: "body", Value: flow.TextOf(string(body))},
		flow.Field{Key: "subprotocol", Value: flow.TextOf(resp.Header.Get("Sec-Websocket-Protocol"))},
	))}
	want := d.Status
	if want == 0 {
		want = http.StatusSwitchingProtocols
	}
	got := resp.Status
	if len(body) > 0 {
		got += ", " + wire.Excerpt(body)
	}
	if resp.StatusCode != want {
		return &message.Unexpected{What: "the handshake was answered otherwise", Expected: []string{fmt.Sprintf("%d %s", want, http.StatusText(want))}, Got: got}
	}
	if err := p.holds(d.Where, &e, string(body), "the answer to the handshake is not as expected"); err != nil {
		return err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		if a := resp.Header.Get("Sec-Websocket-Accept"); a != rfc6455.Accept(key) {
			return fmt.Errorf("the handshake was answered with a wrong Sec-WebSocket-Accept: %q", a)
		}
		if s := resp.Header.Get("Sec-Websocket-Protocol"); s != "" && !slices.Contains(p.script.Config.Subprotocols, s) {
			return fmt.Errorf("the server chose the subprotocol %q, which was not asked for", s)
		}
		o := wire.Options{Client: true}
		if x := strings.Join(resp.Header.Values("Sec-Websocket-Extensions"), ", "); x != "" {
			t, err := rfc7692.Agreed(p.script.Config.Compression, x)
			if err != nil {
				return err
			}
			o.Deflate, o.Inflate = rfc7692.Pair(t.Client, t.Server)
		}
		upgraded(o)
	}
	p.Take(e, string(body))
	return p.Save(d.Save)
}

func (d *Dial) target(p *Peer) (string, error) {
	c := &p.script.Config
	x := d.Path
	if x == nil {
		x = c.Path
	}
	if x != nil {
		path, err := p.Text(x, "path")
		if err == nil && !strings.HasPrefix(string(path), "/") {
			err = fmt.Errorf("path %q must begin with /", path)
		}
		return string(path), err
	}
	target := c.Connect.Path
	if target == "" {
		target = "/"
	}
	if c.Connect.Query != "" {
		target += "?" + c.Connect.Query
	}
	return target, nil
}

// addHeaders sets the header fields that x computes.
func (p *Peer) addHeaders(h http.Header, x flow.Expr) error {
	if x == nil {
		return nil
	}
	v, err := p.Eval(x)
	if err != nil {
		return err
	}
	if v.Kind() != flow.Map {
		return fmt.Errorf("headers is %s: it must be an object of strings", v.Kinds())
	}
	for _, f := range v.Object().Fields() {
		if f.Value.IsNull() {
			h.Del(f.Key)
			continue
		}
		text, err := message.TextOf(f.Value, "the header field "+f.Key)
		if err != nil {
			return err
		}
		h.Set(f.Key, string(text))
	}
	return nil
}

// holds checks a condition on what came.
func (p *Peer) holds(where flow.Expr, e *flow.Event, text, what string) error {
	if where == nil {
		return nil
	}
	ok, err := where.Test(e, p.Vars(text)...)
	if err != nil {
		return fmt.Errorf("%s: %w", where.At(), err)
	}
	if ok {
		return nil
	}
	return &message.Unexpected{What: what, Expected: []string{"where " + message.Source(where)}, Got: compare.Short(e.Value)}
}

func headerValue(h http.Header) flow.Value {
	o := flow.NewObject(len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		o.Set(strings.ToLower(name), flow.TextOf(strings.Join(h[name], ", ")))
	}
	return flow.MapOf(o)
}

// sleep waits and reports whether ctx has not ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
