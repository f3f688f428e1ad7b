package http

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// anyMethod are the methods of a route that names none. HEAD goes with GET, and
// OPTIONS the listener answers.
var anyMethod = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// route is a path, and what may be done there.
type route struct {
	server  *server
	name    string // as the flow writes it
	methods []string
	path    string
	params  []string
	said    map[string]*flow.Object // by method: what events say of their request
}

// routes reads the argument of that name.
func (c *ServerConfig) routes() ([]*route, error) {
	base := c.URL.Path
	if base == "" {
		base = "/"
	}
	any := anyMethod
	if c.SSE != nil {
		any = []string{http.MethodGet}
	}
	if c.Routes == nil {
		return []*route{newRoute(base, any, base)}, nil
	}
	if len(c.Routes) == 0 {
		return nil, &setting.Error{Field: "routes", Err: fmt.Errorf("routes is empty, so that no request could be served: leave it out to take all of %s", base)}
	}
	if len(c.Routes) > 1 && c.URL.Port == 0 {
		return nil, &setting.Error{Field: "url", Err: fmt.Errorf("port 0 is another one for each of the routes: choose a port")}
	}
	var all []*route
	var problems []error
	for i, text := range c.Routes {
		r, err := parseRoute(base, any, text)
		if err == nil && c.SSE != nil && !slices.Equal(r.methods, any) {
			err = fmt.Errorf("%q: a stream is asked for by GET", text)
		}
		if err != nil {
			problems = append(problems, &setting.Error{Field: fmt.Sprintf("routes[%d]", i), Err: err})
			continue
		}
		all = append(all, r)
	}
	if problems != nil {
		return nil, errors.Join(problems...)
	}
	return all, checkRoutes(all)
}

// checkRoutes reports routes that mean the same requests.
func checkRoutes(all []*route) error {
	mux := http.NewServeMux()
	for i, r := range all {
		for _, method := range r.methods {
			if err := register(mux, method+" "+r.path); err != nil {
				return &setting.Error{Field: fmt.Sprintf("routes[%d]", i), Err: fmt.Errorf("%q means requests that another of the routes means, too", r.name)}
			}
		}
	}
	return nil
}

// register reports what net/http dislikes, by panicking.
func register(mux *http.ServeMux, pattern string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	mux.Handle(pattern, http.NotFoundHandler())
	return nil
}

func parseRoute(base string, any []string, text string) (*route, error) {
	methods, path := any, base
	for i, part := range strings.Fields(text) {
		switch {
		case i == 0 && !strings.HasPrefix(part, "/"):
			methods = strings.Split(part, "|")
		case strings.HasPrefix(part, "/") && path == base:
			path = strings.TrimSuffix(base, "/") + part
		default:
			return nil, fmt.Errorf("%q is no route: write \"GET /items/{id}\", \"GET\" or \"/items\"", text)
		}
	}
	for _, m := range methods {
		switch {
		case !endpoint.IsToken(m) || m != strings.ToUpper(m):
			return nil, fmt.Errorf("%q is no route: %q is no method, like GET or POST", text, m)
		case m == http.MethodOptions || m == http.MethodHead || m == http.MethodConnect || m == http.MethodTrace:
			return nil, fmt.Errorf("%q: %s is not a flow's: HEAD is answered as GET is, without the body, and OPTIONS with the methods that there are", text, m)
		}
	}
	if err := endpoint.CheckPath(path); err != nil {
		return nil, err
	}
	return newRoute(text, methods, path), nil
}

func newRoute(name string, methods []string, path string) *route {
	r := &route{name: name, methods: methods, path: path, params: endpoint.Params(path), said: map[string]*flow.Object{}}
	for _, m := range methods {
		r.say(m)
	}
	if slices.Contains(methods, http.MethodGet) {
		r.say(http.MethodHead)
	}
	return r
}

// say prepares what events of a method say of their request: it is the same for
// all of them.
func (r *route) say(method string) {
	request := flow.ObjectOf(
		flow.Field{Key: "method", Value: flow.TextOf(method)},
		flow.Field{Key: "route", Value: flow.TextOf(r.name)},
	)
	r.said[method] = flow.ObjectOf(flow.Field{Key: typeName, Value: flow.MapOf(flow.ObjectOf(
		flow.Field{Key: "request", Value: flow.MapOf(request)},
	))})
}
