package client

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/flowrun/flowrun/connectors/http/internal/call"
	"github.com/flowrun/flowrun/connectors/http/internal/wrote"
	"github.com/flowrun/flowrun/runtime/flow"
)

// typeName is what http_client is called, and what its answers and questions have
// their meta under.
const typeName = "http_client"

// questionHeaders are those that a request itself needs; an event does not choose the
// host, either.
var (
	questionHeaders = []string{"Connection", "Content-Length", "Expect", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}
	eventHeaders    = append(slices.Clone(questionHeaders), "Host")
)

// checkQuestion checks what a flow writes into meta.http_client of an event.
var checkQuestion = wrote.Checks{
	"method":  checkWrittenMethod,
	"headers": wrote.Headers("the request", eventHeaders),
	"params":  wrote.Object,
	"query":   wrote.Object,
}.Of(typeName)

func checkWrittenMethod(v flow.Value) error {
	if v.Kind() != flow.Text {
		return fmt.Errorf("it is a string, not %s", v.Kinds())
	}
	return checkAsked(v.Text())
}

// question makes a request of an event.
func (c *client) question(f *flow.Frame) (*call.Request, error) {
	said := wrote.Of(f.Meta, typeName)
	u, err := c.target.URL(said.Get("params").Object(), said.Get("query").Object())
	if err != nil {
		return nil, err
	}
	q := &call.Request{Method: c.config.method(), URL: u, Host: c.hostField, Header: c.fields(), Body: f.Data, Deaf: !c.host.Heard()}
	if m := said.Get("method"); m.Kind() == flow.Text {
		q.Method = m.Text()
	}
	if q.Method == http.MethodGet || q.Method == http.MethodHead {
		q.Body = nil
	}
	if len(q.Body) > 0 && q.Header["Content-Type"] == nil {
		q.Header["Content-Type"] = c.contentType
	}
	f.Trace.Tell(q.Header)
	said.Headers(q.Header)
	return q, c.config.Auth.AddTo(q.Header, c.config.URL.User)
}

// fields are the header fields of one more request.
func (c *client) fields() http.Header {
	h := make(http.Header, len(c.headers)+4)
	for name, values := range c.headers {
		h[name] = values
	}
	return h
}

// said is what events tell of the answer that they are, and of its question: what the
// flow has kept for it.
func said(a *call.Answer, question wrote.Wrote) *flow.Object {
	return flow.ObjectOf(flow.Field{Key: typeName, Value: flow.MapOf(flow.ObjectOf(
		flow.Field{Key: "status", Value: flow.IntOf(int64(a.Status))},
		flow.Field{Key: "context", Value: question.Get("context")},
	))})
}

// self describes whom the client asks.
func (c *client) self() flow.Peer {
	return flow.Peer{Host: c.config.URL.Host, Port: max(c.config.URL.Port, 0), TLS: c.config.withTLS(), Path: c.config.URL.Path}
}

// peer describes who has answered.
func (c *client) peer(a *call.Answer) flow.Peer {
	p := c.self()
	p.Fields = a.Header
	return p
}
