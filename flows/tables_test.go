package flows_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/setting"
)

// tables are components with the shapes of real ones and no more arguments
// than these tests need, so that the exact messages stay when the real ones
// grow.
var tables = flows.Tables{
	Connectors: []flow.Spec[flow.ConnectorConfig]{
		{Name: "ws_server", Config: func() flow.ConnectorConfig { return &wsServer{Utf8: "strict", MaxMessage: 1 << 20} }},
		{Name: "http_server", Config: func() flow.ConnectorConfig { return &httpServer{} }},
		{Name: "ws_client", Config: func() flow.ConnectorConfig { return &wsClient{} }},
		{Name: "file", Config: func() flow.ConnectorConfig { return &file{} }},
		{Name: "stdio", Config: func() flow.ConnectorConfig { return &stdio{} }},
		{Name: "exit", Config: func() flow.ConnectorConfig { return &exit{} }},
	},
	Codecs: []flow.Spec[flow.CodecConfig]{
		{Name: "json", Config: func() flow.CodecConfig { return &jsonCodec{} }},
		{Name: "string", Config: func() flow.CodecConfig { return &stringCodec{} }},
	},
	Processors: []flow.Spec[flow.ProcessorConfig]{
		{Name: "separate", Config: func() flow.ProcessorConfig { return &separate{Separator: "\n", Buffered: true, MaxLength: 64 << 10} }},
		{Name: "remove_empty", Config: func() flow.ProcessorConfig { return &removeEmpty{} }},
		{Name: "gzip", Config: func() flow.ProcessorConfig { return &gzip{Level: 6} }},
		{Name: "decompress", Config: func() flow.ProcessorConfig { return &decompress{} }},
	},
	Steps: pipeline.Steps,
}

type wsServer struct {
	URL        endpoint.URL       `hcl:"url" required:"true" doc:"where to listen"`
	TLS        *setting.TLSServer `hcl:"tls" doc:"certificate and key; needs wss or no scheme"`
	Backlog    int                `hcl:"backlog" min:"0" doc:"connections that may wait"`
	Headers    map[string]string  `hcl:"headers" doc:"header fields"`
	Token      setting.Secret     `hcl:"token" doc:"what clients must show"`
	MaxMessage setting.Size       `hcl:"max_message" min:"1B" max:"1GiB" doc:"longest message"`
	Utf8       string             `hcl:"utf8" oneof:"strict|lenient" doc:"what text must be"`
	Timeout    setting.Duration   `hcl:"connect_timeout" min:"1ms" doc:"time for the handshake"`
	Queue      setting.Queue      `hcl:"queue" doc:"what waits for a client"`
	Topics     *flow.Topics       `hcl:"topics" doc:"what clients subscribe to"`
	Sessions   *flow.Sessions     `hcl:"sessions" doc:"whose connections they are"`
}

func (c *wsServer) Shape() flow.Shape {
	return flow.Shape{Role: flow.Server, In: true, Out: true, Many: true, Topics: c.Topics, Sessions: c.Sessions, Claims: []flow.Claim{
		{Resource: "listener " + c.URL.Addr(), Part: c.URL.Path, Terms: fmt.Sprint(c.TLS != nil), Field: "url"},
	}}
}

func (c *wsServer) New() (flow.Connector, error) {
	if c.URL.Scheme == "wss" && c.TLS == nil {
		return nil, &setting.Error{Field: "url", Err: errors.New("wss needs a tls block with cert and key")}
	}
	if c.TLS != nil {
		if _, err := os.Stat(string(c.TLS.Cert)); err != nil {
			return nil, &setting.Error{Field: "tls.cert", Err: fmt.Errorf("cannot read %s: no such file or directory", c.TLS.Cert)}
		}
	}
	if c.Headers["Upgrade"] != "" {
		return nil, &setting.Error{Field: "headers.Upgrade", Err: fmt.Errorf("the header is not yours to set: %s", c.Headers["Upgrade"])}
	}
	if c.Backlog == 13 {
		return nil, errors.New("it will not work like this")
	}
	return nil, nil
}

type httpServer struct {
	URL          endpoint.URL     `hcl:"url" required:"true" doc:"where to listen"`
	ReplyTimeout setting.Duration `hcl:"reply_timeout" doc:"how long to wait for a reply"`
}

func (c *httpServer) Shape() flow.Shape {
	s := flow.Shape{Role: flow.Server, In: true, Out: true, Many: true}
	if c.ReplyTimeout == 0 {
		s.Hurried = "reply_timeout"
	}
	return s
}

func (c *httpServer) New() (flow.Connector, error) { return nil, nil }

type wsClient struct {
	URL     endpoint.URL              `hcl:"url" required:"true" doc:"what to connect to"`
	Headers map[string]setting.Secret `hcl:"headers"`
	OnOpen  []setting.Secret          `hcl:"on_open"`
	Per     flow.Expr                 `hcl:"per"`
}

func (c *wsClient) Shape() flow.Shape {
	s := flow.Shape{Role: flow.Client, In: true, Out: true}
	if c.Per != nil {
		s.Per = &flow.Per{Key: c.Per}
	}
	return s
}
func (*wsClient) New() (flow.Connector, error) { return nil, nil }

type file struct {
	Path setting.Path `hcl:"path" required:"true" doc:"the file"`
	Mode string       `hcl:"mode" required:"true" oneof:"read|write|append|truncate" doc:"what is done with it"`
}

func (c *file) Shape() flow.Shape {
	if c.Mode == "read" {
		return flow.Shape{Role: flow.Source, Stream: true, Out: true}
	}
	return flow.Shape{Role: flow.Target, Stream: true, In: true, Claims: []flow.Claim{{Resource: "file " + string(c.Path), Field: "path"}}}
}
func (*file) New() (flow.Connector, error) { return nil, nil }

type stdio struct{}

func (*stdio) Shape() flow.Shape {
	return flow.Shape{Role: flow.Client, Stream: true, In: true, Out: true, Claims: []flow.Claim{{Resource: "standard input", Port: "out"}}}
}
func (*stdio) New() (flow.Connector, error) { return nil, nil }

type exit struct {
	Code  int              `hcl:"code" min:"0" max:"255" doc:"exit code of the process"`
	Delay setting.Duration `hcl:"delay" doc:"wait before the end"`
}

func (*exit) Shape() flow.Shape            { return flow.Shape{Role: flow.Target, In: true} }
func (*exit) New() (flow.Connector, error) { return nil, nil }

type jsonCodec struct {
	SortKeys bool `hcl:"sort_keys"`
	MaxDepth int  `hcl:"max_depth" max:"1000"`
}

func (*jsonCodec) New() (func() flow.Codec, error) { return func() flow.Codec { return nil }, nil }
func (*jsonCodec) Text() bool                      { return true }

type stringCodec struct{}

func (*stringCodec) New() (func() flow.Codec, error) { return func() flow.Codec { return nil }, nil }
func (*stringCodec) Text() bool                      { return true }

// both makes a processor for both directions.
type both struct{}

func (both) New() (in, out func() flow.Processor, err error) {
	f := func() flow.Processor { return nil }
	return f, f, nil
}
func (both) Frames() bool { return false }
func (both) Text() bool   { return true }

type separate struct {
	both
	Separator string       `hcl:"separator"`
	MaxLength setting.Size `hcl:"max_length"`
	Buffered  bool         `hcl:"buffered"`
}

func (*separate) Frames() bool { return true }

func (s *separate) New() (in, out func() flow.Processor, err error) {
	if s.Separator == "" {
		return nil, nil, &setting.Error{Field: "separator", Err: errors.New("the separator is empty")}
	}
	return s.both.New()
}

type removeEmpty struct{ both }

type gzip struct {
	both
	Level int `hcl:"level" min:"1" max:"9"`
}

func (*gzip) Text() bool { return false }

type decompress struct{ both }

func (*decompress) New() (in, out func() flow.Processor, err error) {
	return func() flow.Processor { return nil }, nil, nil
}
