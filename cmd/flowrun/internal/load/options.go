package load

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/setting"
)

// The modes: who sends, and what is expected back.
const (
	Echo      = "echo"      // each connection gets an answer to each of its messages
	Broadcast = "broadcast" // the first connection sends, and all of them get it
	Receive   = "receive"   // the server sends by itself
)

// Options say what load to make, against which server. Start from [Defaults].
type Options struct {
	URL          endpoint.URL              `hcl:"url" required:"true" doc:"the server: \"ws://host:port/path\" or wss"`
	TLS          *setting.TLSClient        `hcl:"tls" doc:"whom to trust; needs wss or no scheme"`
	Headers      map[string]setting.Secret `hcl:"headers" doc:"header fields of the handshake"`
	Subprotocols []string                  `hcl:"subprotocols" doc:"what is asked for, in order of preference"`

	Mode        string           `hcl:"mode" oneof:"echo|broadcast|receive" doc:"echo: each message is answered; broadcast: what the first connection says, all hear; receive: the server sends by itself (echo)"`
	Connections int              `hcl:"connections" min:"1" max:"100000" doc:"open at a time (16)"`
	RampUp      setting.Duration `hcl:"ramp_up" doc:"time over which the connections are opened (0s)"`
	InFlight    int              `hcl:"in_flight" min:"1" max:"65536" doc:"messages sent and not yet answered on each connection: the next leaves when one has been answered (1)"`
	Rate        float64          `hcl:"rate" doc:"messages sent per second, all connections together, whether the server keeps up or not; instead of in_flight"`

	Messages  []string `hcl:"messages" doc:"what is sent, in turn; {conn} and {seq} become the number of the connection and of the message on it"`
	Expect    []string `hcl:"expect" doc:"the answer to each of messages, where it is not the same"`
	AnyAnswer bool     `hcl:"any_answer" doc:"answers are counted, not compared"`
	Binary    bool     `hcl:"binary" doc:"binary messages instead of text"`

	WarmUp   setting.Duration `hcl:"warm_up" doc:"how long the load runs before it is measured; not with count (500ms)"`
	Duration setting.Duration `hcl:"duration" max:"24h" doc:"how long it is measured (10s; with count at most that, and 10m)"`
	Count    int64            `hcl:"count" min:"1" doc:"messages to send, all connections together, instead of duration; in the mode receive, to get"`
	Timeout  setting.Duration `hcl:"timeout" min:"1ms" doc:"for a connection to open and for an answer to come (10s)"`

	// AllowRemote permits servers that are not on a loopback address.
	AllowRemote bool
	// PID is the number of the server's process, whose costs are measured; 0
	// when that is of no interest.
	PID int
	// Progress, when not nil, is called now and then, by one goroutine.
	Progress func(Progress)
}

// Defaults are the options where nothing else is said.
func Defaults() Options {
	return Options{
		Mode:        Echo,
		Connections: 16,
		InFlight:    1,
		WarmUp:      setting.Duration(500 * time.Millisecond),
		Timeout:     setting.Duration(10 * time.Second),
	}
}

// The bounds of options; every one of them can be said.
const (
	maxConnections = 100_000
	maxInFlight    = 1 << 16
	maxUnderWay    = 1 << 24 // in flight on all connections together: each needs 8 bytes
	maxRate        = 10_000_000
	maxDuration    = 24 * time.Hour
	maxLines       = 1 << 20
)

// Check says what is wrong with the options, as *setting.Error.
func (o *Options) Check() error {
	bad := func(field, format string, args ...any) error {
		return &setting.Error{Field: field, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case o.Mode != Echo && o.Mode != Broadcast && o.Mode != Receive:
		return bad("mode", "%q is none of %s, %s and %s", o.Mode, Echo, Broadcast, Receive)
	case o.Connections < 1 || o.Connections > maxConnections:
		return bad("connections", "%d is not 1 to %d", o.Connections, maxConnections)
	case o.InFlight < 1 || o.InFlight > maxInFlight:
		return bad("in_flight", "%d is not 1 to %d", o.InFlight, maxInFlight)
	case o.Connections*o.InFlight > maxUnderWay:
		return bad("in_flight", "%d on each of %d connections are more than the %d that can be in flight", o.InFlight, o.Connections, maxUnderWay)
	case !(o.Rate >= 0 && o.Rate <= maxRate): // nor NaN
		return bad("rate", "%v is not up to %d messages per second", o.Rate, maxRate)
	case o.Rate > 0 && o.InFlight > 1:
		return bad("rate", "a rate says when messages leave, and so does in_flight: choose one")
	case o.Count < 0:
		return bad("count", "%d is no number of messages", o.Count)
	case time.Duration(o.Duration) > maxDuration:
		return bad("duration", "%s is more than %s", o.Duration, maxDuration)
	case time.Duration(o.WarmUp) > maxDuration || time.Duration(o.RampUp) > maxDuration:
		return bad("warm_up", "neither warm_up nor ramp_up is longer than %s", maxDuration)
	case time.Duration(o.Timeout) < time.Millisecond || time.Duration(o.Timeout) > time.Hour:
		return bad("timeout", "%s is not 1ms to 1h", o.Timeout)
	case o.PID < 0:
		return bad("pid", "%d is no number of a process", o.PID)
	}
	if err := o.checkMessages(); err != nil {
		return err
	}
	return o.checkTarget()
}

func (o *Options) checkMessages() error {
	bad := func(field, format string, args ...any) error {
		return &setting.Error{Field: field, Err: fmt.Errorf(format, args...)}
	}
	if o.Mode == Receive {
		switch {
		case len(o.Messages) > 0 || len(o.Expect) > 0:
			return bad("messages", "nothing is sent in the mode %s", Receive)
		case o.Rate > 0 || o.InFlight > 1:
			return bad("mode", "nothing is sent in the mode %s: leave out rate and in_flight", Receive)
		}
		return nil
	}
	switch {
	case len(o.Messages) > maxLines:
		return bad("messages", "%d messages are more than %d", len(o.Messages), maxLines)
	case len(o.Expect) > 0 && len(o.Expect) != max(1, len(o.Messages)):
		return bad("expect", "there are %d answers to %d messages: each message has one", len(o.Expect), max(1, len(o.Messages)))
	case len(o.Expect) > 0 && o.AnyAnswer:
		return bad("expect", "answers are compared with what is expected, or any_answer will do: choose one")
	}
	for _, m := range o.Messages {
		if len(m) > maxMessage {
			return bad("messages", "a message of %d bytes is longer than %d", len(m), maxMessage)
		}
	}
	return nil
}

func (o *Options) checkTarget() error {
	bad := func(field, format string, args ...any) error {
		return &setting.Error{Field: field, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case o.URL.Host == "":
		return bad("url", "the URL has no host to connect to: write ws://host:port/path")
	case o.URL.Port == 0:
		return bad("url", "port 0 cannot be connected to")
	}
	switch o.URL.Scheme {
	case "ws", "http":
		if o.TLS != nil {
			return bad("url", "what is said about TLS needs wss, or no scheme, but the URL says %s", o.URL.Scheme)
		}
	case "", "wss", "https":
	default:
		return bad("url", "scheme %q is not one of ws and wss", o.URL.Scheme)
	}
	for name, value := range o.Headers {
		switch {
		case !IsToken(name):
			return bad("headers", "%q is no name of a header field: it holds letters, digits and hyphens", name)
		case handshake(name):
			return bad("headers", "the header field %s belongs to the handshake and cannot be set", name)
		case strings.ContainsAny(value.Reveal(), "\r\n\x00"):
			return bad("headers", "the value of the header field %s has a line break", name)
		}
	}
	for _, p := range o.Subprotocols {
		if !IsToken(p) {
			return bad("subprotocols", "%q is no name of a sub-protocol", p)
		}
	}
	return nil
}

// IsToken reports whether s is a token of HTTP, as names of header fields and
// sub-protocols are (RFC 9110 section 5.6.2).
func IsToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	})
}

// handshake reports whether a header field is ours to set.
func handshake(name string) bool {
	name = http.CanonicalHeaderKey(name)
	return name == "Connection" || name == "Upgrade" || name == "Content-Length" || name == "Transfer-Encoding" ||
		strings.HasPrefix(name, "Sec-Websocket-")
}

// header is the header of the handshake.
func (o *Options) header(key string) http.Header {
	h := http.Header{}
	for name, value := range o.Headers {
		h.Set(name, value.Reveal())
	}
	if user := o.URL.User; user != nil && h.Get("Authorization") == "" {
		password, _ := user.Password()
		r := http.Request{Header: h}
		r.SetBasicAuth(user.Username(), password)
	}
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	h.Set("Sec-WebSocket-Version", "13")
	h.Set("Sec-WebSocket-Key", key)
	if len(o.Subprotocols) > 0 {
		h.Set("Sec-WebSocket-Protocol", strings.Join(o.Subprotocols, ", "))
	}
	return h
}

// limit is how long is measured at most.
func (o *Options) limit() time.Duration {
	switch {
	case o.Duration > 0:
		return time.Duration(o.Duration)
	case o.Count > 0:
		return 10 * time.Minute
	}
	return 10 * time.Second
}

func (o *Options) warmUp() time.Duration {
	if o.Count > 0 {
		return 0
	}
	return time.Duration(o.WarmUp)
}

// ErrRemote is the error of a server that is not on a loopback address when
// that has not been allowed.
var ErrRemote = errors.New("it is not on this machine's loopback; load on another machine has to be allowed (--allow-remote)")
