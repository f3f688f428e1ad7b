package http

import (
	"cmp"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
)

// ServerConfig is the configuration of http_server.
type ServerConfig struct {
	URL            endpoint.URL          `hcl:"url" required:"true" doc:"where to listen: \"host:port\", \"http://host:port/path\" or \"https://…\". The path is exact and may hold parameters: \"/rooms/{id}\" gives peer.params.id, and \"/files/{name...}\" all below"`
	Routes         []string              `hcl:"routes" doc:"which requests are taken: methods, and a path below that of url, like \"GET /items/{id}\" or \"PUT|PATCH /items/{id}\". Of each, one may be left out: \"POST\" means the path of url, and \"/items\" all methods. Without it, all methods and the path of url"`
	TLS            *setting.TLSServer    `hcl:"tls" doc:"certificate and key; needs https or no scheme"`
	Backlog        int                   `hcl:"backlog" min:"0" doc:"connections that may wait to be accepted; 0 for the system's default"`
	Socket         setting.SocketOptions `hcl:"socket_options" doc:"TCP options"`
	ConnectTimeout setting.Duration      `hcl:"connect_timeout" min:"1ms" doc:"time for the TLS handshake and for the head of a request, and for how long a connection may wait for its next request"`
	Accept         []string              `hcl:"accept" doc:"types of bodies that are taken: \"application/json\", \"text/*\". Others are answered 415; any when not given"`
	Body           string                `hcl:"body" oneof:"whole|stream" doc:"a body is one message, or a stream of bytes in which the first preprocessor finds the messages, as they come: lines where there is none"`
	MaxBody        setting.Size          `hcl:"max_body" min:"1B" doc:"longest body; a longer one is answered 413. 1MiB when not given, and 1GiB with body = \"stream\""`
	Decompress     bool                  `hcl:"decompress" doc:"a body whose Content-Encoding is gzip or zstd is decompressed, up to max_body; of any other, the answer is 415. false leaves it as it came, for a preprocessor"`
	BodyTimeout    setting.Duration      `hcl:"body_timeout" min:"1ms" doc:"how long a client may take to send a body; when it is over, 408. The time that the flow takes does not count"`
	Status         int                   `hcl:"status" min:"200" max:"599" doc:"status of an answer when the flow says none"`
	Headers        map[string]string     `hcl:"headers" doc:"header fields of every answer"`
	ReplyTimeout   setting.Duration      `hcl:"reply_timeout" min:"1ms" doc:"how long to wait for a reply of the flow when all events of a request are delivered and none has come; then 504. Without it, such a request is answered at once, with an empty body"`
	SSE            *SSE                  `hcl:"sse" doc:"requests open streams of Server-Sent Events; then they have no body"`
	Queue          setting.Queue         `hcl:"queue" doc:"what waits for a client that is not ready to take it; max_bytes is also how much of an answer is held until a body has been read"`
	Limits         Limits                `hcl:"limits" doc:"how much there may be; a request that is being served counts as a connection"`
	access.Config
	Topics  *flow.Topics   `hcl:"topics" doc:"with sse: lets clients subscribe to what an edge with deliver = \"topic\" delivers"`
	Session *flow.Sessions `hcl:"sessions" doc:"with sse: says whose stream each is, for an edge with deliver = \"identity\", and how many one may have"`
	Life    bool           `hcl:"lifecycle_events" doc:"with sse: the opening and the end of each stream leave by out as events: null, with meta.http_server.event = \"open\" or \"close\""`
}

// Limits is the block of that name.
type Limits struct {
	access.Limits
	MaxHandshakes int `hcl:"max_handshakes" min:"1" doc:"connections on the whole address on which no request is being served; of more, the oldest is cut. Each may hold a header of 64KiB until connect_timeout"`
}

// SSE is the block of that name.
type SSE struct {
	Heartbeat setting.Duration `hcl:"heartbeat" min:"10ms" doc:"a comment is sent when nothing else has been for so long: proxies see that the stream lives; 15s when not given"`
	Retry     setting.Duration `hcl:"retry" min:"1ms" doc:"tells clients how long to wait before they come back; they decide when not given"`
}

const (
	defaultHeartbeat = 15 * time.Second
	defaultBody      = 1 << 20
	defaultStream    = 1 << 30
)

func (c *ServerConfig) maxBody() int64 {
	if c.Body == "stream" {
		return int64(cmp.Or(c.MaxBody, defaultStream))
	}
	return int64(cmp.Or(c.MaxBody, defaultBody))
}

// address is the URL with its scheme's port where it names none.
func (c *ServerConfig) address() endpoint.URL {
	if c.TLS != nil {
		return c.URL.OrPort(443)
	}
	return c.URL.OrPort(80)
}

// Shape implements flow.ConnectorConfig.
func (c *ServerConfig) Shape() flow.Shape {
	s := flow.Shape{
		Role: flow.Server, In: true, Out: true, Many: true, Queue: &c.Queue, Stream: c.Body == "stream",
		Topics: c.Topics, Sessions: c.Session, Lifecycle: c.Life, Wrote: checkWrote,
	}
	if c.SSE == nil && c.ReplyTimeout == 0 {
		s.Hurried = "reply_timeout"
	}
	if c.URL.Port == 0 { // another one each time
		return s
	}
	routes, _ := c.routes()
	for _, r := range routes {
		for _, method := range r.methods {
			part := r.path
			if method != http.MethodGet { // a handshake is a GET, of any other connector's
				part = method + " " + part
			}
			s.Claims = append(s.Claims, c.Claim(c.address().Addr(), part, "url", c.TLS))
		}
	}
	return s
}

// New implements flow.ConnectorConfig.
func (c *ServerConfig) New() (flow.Connector, error) {
	var problems []error
	if err := c.URL.CheckServer("http", c.TLS != nil); err != nil {
		problems = append(problems, &setting.Error{Field: "url", Err: err})
	}
	if c.TLS != nil {
		_, err := tlsfiles.Server(c.TLS)
		if fe := (*setting.Error)(nil); errors.As(err, &fe) {
			err = &setting.Error{Field: "tls." + fe.Field, Err: fe.Err}
		}
		problems = append(problems, err)
	}
	for name, value := range c.Headers {
		if err := endpoint.CheckHeader(name, value, "the answer", answerHeaders); err != nil {
			problems = append(problems, &setting.Error{Field: "headers." + name, Err: err})
		}
	}
	for i, accept := range c.Accept {
		if _, _, err := mime.ParseMediaType(accept); err != nil {
			problems = append(problems, &setting.Error{Field: fmt.Sprintf("accept[%d]", i), Err: fmt.Errorf("%q is no type of a body: write \"application/json\" or \"text/*\"", accept)})
		}
	}
	routes, err := c.routes()
	problems = append(problems, err, c.checkSSE(), c.checkTopics(), c.Session.Check())
	gate, err := c.Config.New(c.Limits.Limits, c.TLS)
	problems = append(problems, err)
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return newServer(c, gate, routes), nil
}

// checkSSE reports what needs the block sse, and what it has no use for.
func (c *ServerConfig) checkSSE() error {
	var problems []error
	refuse := func(field string, wrong bool, text string) {
		if wrong {
			problems = append(problems, &setting.Error{Field: field, Err: errors.New(text)})
		}
	}
	if c.SSE == nil {
		const needs = " needs the block sse: other requests do not last"
		refuse("topics", c.Topics != nil, "topics"+needs)
		refuse("sessions", c.Session != nil, "sessions"+needs)
		refuse("lifecycle_events", c.Life, "lifecycle_events"+needs)
		return errors.Join(problems...)
	}
	const useless = " has no use with sse: streams have no body and no reply"
	refuse("reply_timeout", c.ReplyTimeout != 0, "reply_timeout"+useless)
	refuse("body", c.Body == "stream", "body"+useless)
	refuse("max_body", c.MaxBody != 0, "max_body"+useless)
	refuse("decompress", !c.Decompress, "decompress"+useless)
	refuse("accept", c.Accept != nil, "accept"+useless)
	refuse("status", c.Status != http.StatusOK, "status has no use with sse: a stream begins with 200")
	return errors.Join(problems...)
}

// checkTopics is Topics.Check where clients say nothing after their request.
func (c *ServerConfig) checkTopics() error {
	t := c.Topics
	if t == nil {
		return nil
	}
	problems := []error{flow.MustBe("topics.initial", t.Initial, flow.OfText|flow.OfList)}
	if t.Initial == nil {
		problems = append(problems, &setting.Error{Field: "topics", Err: errors.New("topics needs initial: a client of a stream says nothing later")})
	}
	if t.Subscribe != nil || t.Unsubscribe != nil {
		problems = append(problems, &setting.Error{Field: "topics", Err: errors.New("subscribe and unsubscribe have no use with sse: a client of a stream says nothing later than peer.query")})
	}
	return errors.Join(problems...)
}

// accepts reports whether a body of such a type is one of accept.
func (c *ServerConfig) accepts(contentType string) bool {
	got, _, err := mime.ParseMediaType(contentType)
	return err == nil && slices.ContainsFunc(c.Accept, func(want string) bool {
		want, _, _ = mime.ParseMediaType(want) // checked by New
		return want == got || want == "*/*" || len(want) > 2 && want[len(want)-2:] == "/*" && len(got) > len(want)-1 && got[:len(want)-1] == want[:len(want)-1]
	})
}
