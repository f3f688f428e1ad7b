package http

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

func configured(t *testing.T, url string, edit func(*ServerConfig)) *ServerConfig {
	t.Helper()
	c := Specs[0].Config().(*ServerConfig)
	if err := c.URL.UnmarshalText([]byte(url)); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(c)
	}
	return c
}

func TestWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		url   string
		edit  func(*ServerConfig)
		field string
		want  string
	}{
		{"ws://127.0.0.1:1", nil, "url", `scheme "ws" is not one of http and https`},
		{"https://127.0.0.1:1", nil, "url", "https needs a tls block"},
		{"127.0.0.1:1/a?b=c", nil, "url", "holds no query"},
		{"127.0.0.1:0", func(c *ServerConfig) { c.Routes = []string{"GET /a", "GET /b"} }, "url", "port 0 is another one"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.Routes = []string{} }, "routes", "routes is empty"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.Routes = []string{"get /a"} }, "routes[0]", `"get" is no method`},
		{"127.0.0.1:1", func(c *ServerConfig) { c.Routes = []string{"GET a"} }, "routes[0]", "is no route"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.Routes = []string{"GET /a /b"} }, "routes[0]", "is no route"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.Routes = []string{"OPTIONS"} }, "routes[0]", "OPTIONS is not a flow's"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.Routes = []string{"GET /a{x}"} }, "routes[0]", "a parameter is a whole part"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.Routes = []string{"GET /{a}/{b}/{a}"} }, "routes[0]", "has two parameters {a}"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.Routes = []string{"GET a", "get /b"} }, "routes[0]", `"get" is no method`}, // all of them
		{"127.0.0.1:1", func(c *ServerConfig) { c.Routes = []string{"GET /{a}", "/{b}"} }, "routes[1]", "another of the routes means"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.Headers = map[string]string{"content-length": "1"} }, "headers.content-length", "belongs to the answer"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.Accept = []string{"/"} }, "accept[0]", "is no type"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.Topics = &flow.Topics{} }, "topics", "needs the block sse"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.Life = true }, "lifecycle_events", "needs the block sse"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.SSE, c.Topics = &SSE{}, &flow.Topics{} }, "topics", "topics needs initial"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.SSE, c.Routes = &SSE{}, []string{"POST"} }, "routes[0]", "asked for by GET"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.SSE, c.Body = &SSE{}, "stream" }, "body", "has no use with sse"},
		{"127.0.0.1:1", func(c *ServerConfig) { c.Config = access.Config{Origins: []string{"x"}} }, "origins[0]", "is no origin"},
	} {
		_, err := configured(t, c.url, c.edit).New()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.field, err, c.want)
			continue
		}
		if fe := (*setting.Error)(nil); !errors.As(err, &fe) || fe.Field != c.field {
			t.Errorf("%v: of the field %+v, want %s", err, err, c.field)
		}
	}
}

func TestRoutes(t *testing.T) {
	c := configured(t, "127.0.0.1:80/api", func(c *ServerConfig) {
		c.Routes = []string{"GET /items/{id}", "PUT|PATCH /items/{id}", "POST", "/all/{rest...}"}
	})
	routes, err := c.routes()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"[GET] /api/items/{id} [id]", "[PUT PATCH] /api/items/{id} [id]", "[POST] /api []", "[GET POST PUT PATCH DELETE] /api/all/{rest...} [rest]"}
	for i, r := range routes {
		if got := fmt.Sprint(r.methods, " ", r.path, " ", r.params); got != want[i] {
			t.Errorf("%s: %s, want %s", r.name, got, want[i])
		}
	}
	// A GET and a handshake cannot share a path.
	var parts []string
	for _, claim := range c.Shape().Claims {
		parts = append(parts, claim.Part)
	}
	if got := strings.Join(parts[:4], ", "); got != "/api/items/{id}, PUT /api/items/{id}, PATCH /api/items/{id}, POST /api" {
		t.Errorf("claims %s", got)
	}
}

func TestParameters(t *testing.T) {
	f := answering(t, func(c *ServerConfig) { c.Routes = []string{"GET /items/{id}", "POST /items"} }, func(e *flow.Event) {
		said, _ := e.MetaValue().Get("http_server")
		request, _ := said.Object().Get("request")
		e.SetPayload(flow.MapOf(flow.ObjectOf(
			flow.Field{Key: "id", Value: mustGet(e.Origin.PeerField("params"), "id")},
			flow.Field{Key: "query", Value: mustGet(e.Origin.PeerField("query"), "q")},
			flow.Field{Key: "header", Value: mustGet(e.Origin.PeerField("headers"), "x-a")},
			flow.Field{Key: "path", Value: e.Origin.PeerField("path")},
			flow.Field{Key: "method", Value: mustGet(request, "method")},
			flow.Field{Key: "route", Value: mustGet(request, "route")},
		)))
	})
	if _, got := f.do("GET", "/items/a%2Fb?q=1", "", "X-A", "y"); got != `{"id":"a/b","query":"1","header":"y","path":"/items/a/b","method":"GET","route":"GET /items/{id}"}` {
		t.Error(got)
	}
	if _, got := f.do("POST", "/items", ""); got != `{"id":null,"query":null,"header":null,"path":"/items","method":"POST","route":"POST /items"}` {
		t.Error(got)
	}
	f.expect("DELETE", "/items/1", "", 405, "Method Not Allowed\n")
}

func mustGet(v flow.Value, key string) flow.Value {
	got, _ := v.Object().Get(key)
	return got
}
