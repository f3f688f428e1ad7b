package client

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors/http/internal/call"
	"github.com/flowrun/flowrun/runtime/credentials"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
	"github.com/flowrun/flowrun/runtime/waits"
)

// Config is the configuration of http_client.
type Config struct {
	URL            endpoint.URL              `hcl:"url" required:"true" doc:"what to ask: \"http://host:port/path?query\" or \"https://…\"; without a scheme http, or https when there is a tls block. The path may hold parameters, for each event to fill in: \"/rooms/{id}\", and \"/files/{name...}\" for all below"`
	Method         string                    `hcl:"method" doc:"method of a request when the event says none; POST when not given, and GET with poll"`
	Headers        map[string]setting.Secret `hcl:"headers" doc:"header fields of every request"`
	Auth           credentials.Auths         `hcl:"auth" doc:"how this side shows who it is, in the Authorization header"`
	TLS            *setting.TLSClient        `hcl:"tls" doc:"whom to trust; needs https or no scheme"`
	Socket         setting.SocketOptions     `hcl:"socket_options" doc:"TCP options"`
	ConnectTimeout setting.Duration          `hcl:"connect_timeout" min:"1ms" doc:"time for a connection, and for its TLS handshake"`
	Timeout        setting.Duration          `hcl:"timeout" min:"1ms" doc:"time for a request, from its beginning to the last byte of its answer"`
	IdleTimeout    setting.Duration          `hcl:"idle_timeout" min:"1ms" doc:"how long a connection is kept that nobody uses"`
	Concurrency    int                       `hcl:"concurrency" min:"1" doc:"requests at a time, each by a connection of its own where HTTP/2 is not spoken; others wait. With 1, they are made in order"`
	MaxMessage     setting.Size              `hcl:"max_message" min:"1B" doc:"longest body of an answer, as it is when decompressed; of a longer one, the request counts as failed"`
	MaxRedirects   int                       `hcl:"max_redirects" min:"0" doc:"redirects that a request follows, to the same host only; 0 for none"`
	SuccessOn      []string                  `hcl:"success_on" doc:"statuses with which an event is delivered, and of which the answer leaves by out: \"404\", or \"4xx\" for all that are not named one by one. [\"2xx\"] when not given"`
	RetryOn        []string                  `hcl:"retry_on" doc:"statuses after which a request is made again, likewise; so it is when there is no answer. [\"408\", \"425\", \"429\", \"500\", \"502\", \"503\", \"504\"] when not given. All others fail at once"`
	Retry          Retry                     `hcl:"retry" doc:"how a request is made again"`
	Queue          *Queue                    `hcl:"queue" doc:"keeps events on the disk until they are answered, so that who sends does not wait for that"`
	Poll           *Poll                     `hcl:"poll" doc:"asks by itself, again and again, instead of for events"`
}

// Retry is the block of that name.
type Retry struct {
	Interval    setting.Duration `hcl:"interval" min:"1ms" doc:"wait before the second attempt"`
	GrowthRate  float64          `hcl:"growth_rate" min:"1" doc:"factor from one wait to the next"`
	MaxInterval setting.Duration `hcl:"max_interval" min:"1ms" doc:"longest wait"`
	Randomized  bool             `hcl:"randomized" doc:"waits are chosen at random around the computed one, so that clients do not return in step"`
	MaxRetries  int              `hcl:"max_retries" min:"0" doc:"attempts before the event is given up: 1 to make every request once, 0 for no limit"`
	MaxAfter    setting.Duration `hcl:"max_retry_after" doc:"longest wait that a server may ask for, by Retry-After; when it asks for a longer one, it is asked again after this"`
}

// Queue is the block of that name.
type Queue struct {
	Persistent setting.Path     `hcl:"persistent" required:"true" doc:"a directory of this queue alone, in which events wait on the disk: one is acknowledged to its source when it is there, and removed when it has been answered. It is made when it is missing; the folder that it is in must exist"`
	MaxEvents  int              `hcl:"max_events" min:"1" doc:"events that may wait"`
	MaxBytes   setting.Size     `hcl:"max_bytes" min:"1B" doc:"bytes that may wait on the disk"`
	Overflow   string           `hcl:"overflow" oneof:"drop_oldest|drop_newest|block" doc:"what happens when one more comes; what is dropped goes to the err port"`
	MaxRetries int              `hcl:"max_retries" min:"1" doc:"attempts before an event is given up, which then goes to the err port, instead of retry.max_retries; without it, it is tried until it is answered"`
	Linger     setting.Duration `hcl:"linger" doc:"how long a process that is told to end goes on with what is in the queue, and how old a request may become that is under way then; the rest stays on the disk for the next start, and is asked again"`
}

// SetDefaults implements flow.Defaulter.
func (q *Queue) SetDefaults() {
	bounds := (&setting.ClientQueue{Persistent: "somewhere"}).Bounds()
	q.MaxEvents, q.MaxBytes, q.Overflow, q.Linger = bounds.MaxEvents, bounds.MaxBytes, "block", setting.DefaultLinger
}

// aheadOf is how many events of the queue are at work for each request at a time: the
// longest of a burst is waited for.
const aheadOf = 4

// Poll is the block of that name.
type Poll struct {
	Interval setting.Duration `hcl:"interval" required:"true" min:"10ms" doc:"from the beginning of one request to that of the next; when one takes longer, the next begins at its end"`
}

// Default returns the defaults.
func Default() *Config {
	return &Config{
		Socket:         setting.DefaultSocketOptions(),
		ConnectTimeout: setting.Duration(10 * time.Second),
		Timeout:        setting.Duration(30 * time.Second),
		IdleTimeout:    setting.Duration(90 * time.Second),
		Concurrency:    16,
		MaxMessage:     1 << 20,
		MaxRedirects:   5,
		Retry: Retry{
			Interval:    setting.Duration(500 * time.Millisecond),
			GrowthRate:  2,
			MaxInterval: setting.Duration(30 * time.Second),
			Randomized:  true,
			MaxRetries:  5,
			MaxAfter:    setting.Duration(2 * time.Minute),
		},
	}
}

// What answers are worth where a flow says nothing of it.
var (
	defaultSuccess = []string{"2xx"}
	defaultRetry   = []string{"408", "425", "429", "500", "502", "503", "504"}
)

// Shape implements flow.ConnectorConfig.
func (c *Config) Shape() flow.Shape {
	if c.Poll != nil {
		return flow.Shape{Role: flow.Source, Out: true}
	}
	s := flow.Shape{Role: flow.Client, In: true, Out: true, Asks: true, Wrote: checkQuestion}
	if q := c.Queue; q != nil {
		s.Queue = &setting.Queue{MaxEvents: q.MaxEvents, MaxBytes: q.MaxBytes, Overflow: q.Overflow, WriteTimeout: c.Timeout}
		s.Keep = &setting.Keep{Dir: string(q.Persistent), Ahead: aheadOf * c.Concurrency, Linger: time.Duration(q.Linger)}
	}
	return s
}

// withTLS reports whether https is spoken.
func (c *Config) withTLS() bool { return c.URL.Scheme == "https" || c.TLS != nil }

// New implements flow.ConnectorConfig.
func (c *Config) New() (flow.Connector, error) {
	problems := []error{c.checkURL(), c.checkMethod(), c.Auth.Check(c.URL.User, c.Headers)}
	if c.Poll != nil && c.Queue != nil {
		problems = append(problems, &setting.Error{Field: "queue", Err: errors.New("with poll there are no events to keep")})
	}
	for name, value := range c.Headers {
		if err := endpoint.CheckHeader(name, value.Reveal(), "the request", questionHeaders); err != nil {
			problems = append(problems, &setting.Error{Field: "headers." + name, Err: err})
		}
	}
	success, again := c.SuccessOn, c.RetryOn
	if success == nil {
		success = defaultSuccess
	}
	if again == nil {
		again = defaultRetry
	}
	statuses, err := call.NewStatuses(success, again)
	problems = append(problems, err)
	conf, err := tlsfiles.Client(c.TLS)
	if err != nil {
		problems = append(problems, setting.Within("tls", err))
	}
	scheme, port := "http", 80
	if c.withTLS() {
		scheme, port = "https", 443
	}
	target, err := call.NewTarget(c.URL.OrPort(port), scheme)
	if err != nil {
		problems = append(problems, &setting.Error{Field: "url", Err: err})
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	secrets := credentials.Secrets{}
	secrets.Add(c.URL.Query)
	if password, ok := c.URL.User.Password(); ok {
		secrets.Add(password)
	}
	caller := &call.Caller{
		Client: call.NewClient(call.Options{
			TLS: conf, Socket: c.Socket, ConnectTimeout: time.Duration(c.ConnectTimeout), IdleTimeout: time.Duration(c.IdleTimeout),
			MaxIdle: c.Concurrency, MaxRedirects: c.MaxRedirects,
		}),
		Name: c.URL.String(), Timeout: time.Duration(c.Timeout), MaxBody: c.MaxMessage, Statuses: statuses,
		Waits: waits.Terms{
			Interval: c.Retry.Interval, GrowthRate: c.Retry.GrowthRate, MaxInterval: c.Retry.MaxInterval,
			Randomized: c.Retry.Randomized, MaxRetries: c.Retry.MaxRetries,
		},
		MaxAfter: time.Duration(c.Retry.MaxAfter), Secrets: secrets,
	}
	if c.Queue != nil {
		caller.Waits.MaxRetries = c.Queue.MaxRetries
	}
	cl := &client{config: c, caller: caller, target: target, slots: make(chan struct{}, c.Concurrency), headers: http.Header{"User-Agent": {"flowrun"}}}
	for name, value := range c.Headers {
		cl.headers.Set(name, value.Reveal())
	}
	cl.hostField = cl.headers.Get("Host")
	cl.headers.Del("Host")
	if c.Poll != nil {
		return &poller{client: cl}, nil
	}
	return cl, nil
}

func (c *Config) checkURL() error {
	var problem string
	switch u := c.URL; {
	case u.Scheme == "http" && c.TLS != nil:
		problem = "a tls block needs https, or no scheme, but the URL says http"
	case u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https":
		problem = fmt.Sprintf("scheme %q is not one of http and https", u.Scheme)
	case u.Port == 0:
		problem = "port 0 cannot be connected to"
	case u.Host == "":
		problem = "the URL has no host to connect to"
	case c.Poll != nil && len(endpoint.Params(u.Path)) > 0:
		problem = "with poll there is no event to fill in the parameters of a path"
	default:
		return nil
	}
	return &setting.Error{Field: "url", Err: errors.New(problem)}
}

// method is that of a request when its event says none.
func (c *Config) method() string {
	if c.Poll != nil {
		return cmp.Or(c.Method, http.MethodGet)
	}
	return cmp.Or(c.Method, http.MethodPost)
}

func (c *Config) checkMethod() error {
	if err := checkAsked(c.method()); err != nil {
		return &setting.Error{Field: "method", Err: err}
	}
	return nil
}

func checkAsked(method string) error {
	if !endpoint.IsToken(method) || method != strings.ToUpper(method) || method == http.MethodConnect {
		return fmt.Errorf("%q is no method of a request, like GET or POST", method)
	}
	return nil
}
