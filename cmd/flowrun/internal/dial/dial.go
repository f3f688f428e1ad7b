// Package dial is the WebSocket client behind `flowrun dial`: lines that are
// read become messages, messages that come become lines.
//
// Three things go on at the same time. One goroutine reads lines and sends
// them, so that a server that does not read holds up nobody else; one reads
// messages and prints them; one pings, when that is asked for. [Run] waits for
// the first reason to end: the server has closed, enough has come, the lines
// have ended and nothing more comes, the time is over, or the user says so. It
// then says goodbye with a close frame.
package dial

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
)

// maxLine bounds a line that is sent.
const maxLine = 16 << 20

// Options say whom to talk to, and how. Secrets are in URL, Headers and Auth;
// none is ever printed.
type Options struct {
	URL          endpoint.URL
	Headers      http.Header
	Auth         setting.Secret // the Authorization header, when not empty
	Subprotocols []string
	TLS          *setting.TLSClient
	MaxMessage   setting.Size
	Compress     bool // messages, if the server agrees

	Binary  bool          // lines are sent as binary messages
	Base64  bool          // lines are base64, of what is sent; binary messages are printed so
	Newline bool          // lines are sent with a newline at their end
	JSON    bool          // a message is printed as {"type", "data", "time"}
	Ping    time.Duration // from one ping to the next, 0 for none
	Count   int           // messages after which it ends, 0 for no such end
	Timeout time.Duration // for everything, 0 for no end
	Linger  time.Duration // silence after the last line that ends it; negative for no such end

	In       io.Reader // lines
	Out, Err io.Writer // messages; what is to be said about the connection
	Greet    bool      // say that it is connected
	Screen   bool      // Out is a terminal, which bytes would confuse: they are base64 there
}

// Run talks until there is a reason to end; the end of ctx is the user's
// wish. nil means that it ended well: by us, or by the server with 1000, 1001 or
// no code.
func Run(ctx context.Context, o Options) error {
	s := &session{Options: o, came: make(chan struct{}, 1), spoken: make(chan error, 1), heard: make(chan error, 1)}
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.Timeout, errTimeout)
		defer cancel()
	}
	if err := s.connect(ctx); err != nil {
		return err
	}
	defer s.conn.CloseNow() //nolint:errcheck // it has been closed, or is of no use
	// What talks is ended by the end of the connection: the library cuts it when
	// the context of a read ends, and then there is no goodbye.
	talk, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	go func() { s.spoken <- s.speak(talk) }()
	go func() { s.heard <- s.hear(talk) }()
	if o.Ping > 0 {
		go s.ping(talk)
	}
	return s.wait(ctx)
}

// session is one run.
type session struct {
	Options
	conn   *websocket.Conn
	got    atomic.Int64
	came   chan struct{} // a message
	spoken chan error    // the lines have ended
	heard  chan error    // no message will come any more

	saying sync.Mutex
	left   bool // we have said goodbye, and nothing is said after that
}

// say says something about the connection; goodbye is the last of it.
func (s *session) say(goodbye bool, format string, args ...any) {
	s.saying.Lock()
	defer s.saying.Unlock()
	if !s.left {
		fmt.Fprintf(s.Err, format+"\n", args...)
	}
	s.left = s.left || goodbye
}

var (
	errTimeout  = errors.New("the time is over")
	errCut      = errors.New("the server cut the connection, without a close frame (1006)")
	errProtocol = errors.New("the server breaks the protocol")
	errEnough   = errors.New("as many messages have come as were asked for")
)

// connect opens the connection and does the handshake.
func (s *session) connect(ctx context.Context) error {
	scheme, port := "http", 80
	if u := s.URL.Scheme; u == "wss" || u == "https" {
		scheme, port = "https", 443
	}
	conf, err := tlsfiles.Client(s.TLS)
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	header := s.Headers.Clone()
	if header == nil {
		header = http.Header{}
	}
	if s.URL.User != nil && header.Get("Authorization") == "" {
		password, _ := s.URL.User.Password()
		header.Set("Authorization", Basic(s.URL.User.Username()+":"+password))
	}
	if a := s.Auth.Reveal(); a != "" {
		header.Set("Authorization", a)
	}
	// A connection that was refused is not kept: what else came on it would be logged.
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	options := &websocket.DialOptions{
		HTTPClient: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		HTTPHeader: header, Subprotocols: s.Subprotocols, Host: header.Get("Host"),
	}
	if s.Compress {
		options.CompressionMode = websocket.CompressionContextTakeover
	}
	if s.Greet || s.Ping > 0 {
		options.OnPingReceived = func(context.Context, []byte) bool {
			s.say(false, "ping from the server")
			return true // it is answered
		}
	}
	conn, resp, err := websocket.Dial(ctx, s.URL.OrPort(port).Reveal(scheme), options)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", s.URL, s.explain(ctx, resp, err))
	}
	s.conn = conn
	conn.SetReadLimit(int64(s.MaxMessage))
	if s.Greet {
		with := ""
		if p := conn.Subprotocol(); p != "" {
			with = ", sub-protocol " + p
		} else if len(s.Subprotocols) > 0 {
			with = ", without a sub-protocol"
		}
		if compressed := resp.Header.Get("Sec-WebSocket-Extensions") != ""; compressed {
			with += ", compressed"
		} else if s.Compress {
			with += ", not compressed"
		}
		s.say(false, "connected to %s%s", s.URL, with)
	}
	return nil
}

// Basic is the Authorization header for "user:password".
func Basic(user string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user))
}

// explain makes one sentence of what went wrong with a handshake. The library's
// errors repeat the URL, in which there may be secrets.
func (s *session) explain(ctx context.Context, resp *http.Response, err error) error {
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 200)) // as much as there is
		if text := strings.TrimSpace(string(body)); text != "" {
			return fmt.Errorf("the server answered %s: %q", resp.Status, text)
		}
		return fmt.Errorf("the server answered %s instead of 101 Switching Protocols", resp.Status)
	}
	var cert *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), errTimeout):
		return fmt.Errorf("no answer to the handshake within %s (--timeout)", s.Timeout)
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case errors.As(err, &cert):
		return fmt.Errorf("the server's certificate is not trusted: %w: --cafile names a file of who signed it", cert.Err)
	case errors.Is(err, http.ErrSchemeMismatch):
		return errors.New("the server speaks no TLS: the URL begins with ws:// then")
	}
	return last(err)
}

// last is the innermost cause.
func last(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

// speak sends lines until there are no more.
func (s *session) speak(ctx context.Context) error {
	in := bufio.NewReader(s.In)
	kind := websocket.MessageText
	if s.Binary || s.Base64 {
		kind = websocket.MessageBinary
	}
	for n := 1; ; n++ {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && s.Base64 {
			line, err = base64.StdEncoding.AppendDecode(nil, line)
		}
		if err != nil {
			return fmt.Errorf("line %d of standard input: %w", n, err)
		}
		if s.Newline {
			line = append(line, '\n')
		}
		if err := s.conn.Write(ctx, kind, line); err != nil {
			return nil // whoever hears knows why
		}
	}
}

// readLine reads a line without its end.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return nil, fmt.Errorf("it is longer than %s", setting.Size(maxLine))
		case err == nil, errors.Is(err, io.EOF) && len(line) > 0:
			return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// hear prints messages until the connection ends, or enough have come.
func (s *session) hear(ctx context.Context) error {
	for {
		kind, data, err := s.conn.Read(ctx)
		if err != nil {
			return err
		}
		if kind == websocket.MessageText && !utf8.Valid(data) {
			_ = s.conn.Close(websocket.StatusInvalidFramePayloadData, "a text is not UTF-8") // it is the end anyway
			return fmt.Errorf("%w: a text is not UTF-8 (1007)", errProtocol)
		}
		if err := s.print(kind == websocket.MessageBinary, data); err != nil {
			return &outputError{err}
		}
		if got := s.got.Add(1); s.Count > 0 && got == int64(s.Count) {
			return errEnough
		}
		select {
		case s.came <- struct{}{}:
		default:
		}
	}
}

// outputError is what prevents messages from being printed.
type outputError struct{ cause error }

func (e *outputError) Error() string { return "print a message: " + e.cause.Error() }
func (e *outputError) Unwrap() error { return e.cause }

// print writes a message: as a line, which may have an end already, or raw when
// it is binary.
func (s *session) print(binary bool, data []byte) error {
	var out []byte
	switch {
	case s.JSON:
		m := struct {
			Type string `json:"type"`
			Data string `json:"data"`
			Time string `json:"time"`
		}{"text", string(data), time.Now().UTC().Format(time.RFC3339Nano)}
		if binary {
			m.Type, m.Data = "binary", base64.StdEncoding.EncodeToString(data)
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(m); err != nil {
			return err
		}
		out = b.Bytes()
	case binary && (s.Base64 || s.Screen):
		out = append(base64.StdEncoding.AppendEncode(nil, data), '\n')
	case binary:
		out = data
	default:
		if s.Screen {
			data = visible(data)
		}
		if out = data; !bytes.HasSuffix(data, []byte("\n")) {
			out = append(data, '\n')
		}
	}
	_, err := s.Out.Write(out)
	return err
}

// visible spells characters that would steer a terminal.
func visible(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			out = fmt.Appendf(out, "\\x%02x", r)
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

// ping measures round trips.
func (s *session) ping(ctx context.Context) {
	t := time.NewTicker(s.Ping)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		start := time.Now()
		wait, cancel := context.WithTimeout(ctx, s.Ping)
		err := s.conn.Ping(wait)
		late := wait.Err() != nil
		cancel()
		switch {
		case err == nil:
			s.say(false, "pong after %s", time.Since(start).Round(time.Microsecond))
		case ctx.Err() != nil || !late:
			return // the connection has ended
		default:
			s.say(false, "no pong within %s", s.Ping)
		}
	}
}

// wait returns when there is a reason to end, and ends the connection.
func (s *session) wait(ctx context.Context) error {
	spoken := s.spoken
	var quiet *time.Timer // since the last line, or message after it
	var over <-chan time.Time
	for {
		select {
		case err := <-spoken:
			if err != nil {
				s.leave()
				return err
			}
			spoken = nil
			if s.Linger >= 0 {
				quiet = time.NewTimer(s.Linger)
				defer quiet.Stop()
				over = quiet.C
			}
		case <-s.came:
			if quiet != nil {
				quiet.Reset(s.Linger)
			}
		case <-over:
			s.leave()
			return s.short("nothing more came")
		case err := <-s.heard:
			unprinted := (*outputError)(nil)
			switch {
			case errors.Is(err, errEnough):
				s.leave()
				return nil
			case errors.As(err, &unprinted):
				s.leave()
				return err
			}
			return s.ended(err)
		case <-ctx.Done():
			s.leave()
			if errors.Is(context.Cause(ctx), errTimeout) {
				return s.short("the time is over")
			}
			return nil
		}
	}
}

// leave closes the connection with 1000.
func (s *session) leave() {
	s.say(true, "closed with 1000")
	_ = s.conn.Close(websocket.StatusNormalClosure, "") // it is the end anyway
}

// short is the error when less has come than was asked for.
func (s *session) short(why string) error {
	if got := s.got.Load(); s.Count > 0 && got < int64(s.Count) {
		return fmt.Errorf("%s: %d of %d messages have come", why, got, s.Count)
	}
	return nil
}

// ended says how the server ended the connection.
func (s *session) ended(err error) error {
	closed := websocket.CloseError{}
	switch {
	case errors.As(err, &closed):
		reason := ""
		if closed.Reason != "" {
			reason = fmt.Sprintf(" %q", closed.Reason)
		}
		switch closed.Code {
		case websocket.StatusNormalClosure, websocket.StatusGoingAway:
			s.say(true, "closed by the server with %d%s", closed.Code, reason)
			return s.short("the server closed")
		case websocket.StatusNoStatusRcvd:
			s.say(true, "closed by the server without a code (%d)", closed.Code)
			return s.short("the server closed")
		}
		return fmt.Errorf("the server closed with %d%s", closed.Code, reason)
	case errors.Is(err, errProtocol):
		return err
	case errors.Is(err, websocket.ErrMessageTooBig):
		return fmt.Errorf("a message is larger than --max-message (%s)", s.MaxMessage)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errCut
	}
	if network := (net.Error)(nil); errors.As(err, &network) {
		return fmt.Errorf("%w: %w", errCut, last(err))
	}
	return fmt.Errorf("%w: %w", errProtocol, last(err))
}
