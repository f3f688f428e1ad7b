package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3gen"
	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/status"
)

var update = flag.Bool("update", false, "write what is generated")

// enums are the types that have a few values.
var enums = map[reflect.Type][]any{
	reflect.TypeFor[Role]():         {Read, Tap, Control},
	reflect.TypeFor[status.Phase](): {status.Starting, status.Running, status.Draining},
	reflect.TypeFor[status.State](): {status.Connecting, status.Open, status.BackingOff, status.Failed, status.Ended},
	reflect.TypeFor[graph.Kind]():   {graph.Connector, graph.Pipeline, graph.Edge},
}

// strict says of an object that it has the fields it has, and no others.
func strict(_ string, t reflect.Type, _ reflect.StructTag, s *openapi3.Schema) error {
	s.Enum = enums[t]
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return nil
	}
	no := false
	s.AdditionalProperties = openapi3.AdditionalProperties{Has: &no}
	s.Required = nil
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && name != "" && name != "-" && !strings.Contains(options, "omitempty") {
			s.Required = append(s.Required, name)
		}
	}
	slices.Sort(s.Required)
	return nil
}

// describe makes the document of the table of routes.
func describe(t *testing.T) *openapi3.T {
	t.Helper()
	doc := &openapi3.T{
		OpenAPI: "3.0.3",
		Info: &openapi3.Info{
			Title: "flowrun", Version: "1",
			Description: "Health, state and control of a running process. An answer that is not the one asked for is an Error. x-role is the role that a token needs.",
		},
		Paths: openapi3.NewPaths(),
		Components: &openapi3.Components{
			Schemas: openapi3.Schemas{},
			SecuritySchemes: openapi3.SecuritySchemes{
				"token": &openapi3.SecuritySchemeRef{Value: openapi3.NewSecurityScheme().WithType("http").WithScheme("bearer")},
				"query": &openapi3.SecuritySchemeRef{Value: openapi3.NewSecurityScheme().WithType("apiKey").WithIn("query").WithName("token")},
			},
		},
	}
	generator := openapi3gen.NewGenerator(
		openapi3gen.SchemaCustomizer(strict),
		openapi3gen.CreateComponentSchemas(openapi3gen.ExportComponentSchemasOptions{ExportComponentSchemas: true, ExportTopLevelSchema: true}),
	)
	schema := func(v any) *openapi3.SchemaRef {
		ref, err := generator.NewSchemaRefForValue(v, doc.Components.Schemas)
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	problem := openapi3.NewContentWithJSONSchemaRef(schema(Error{}))
	for _, r := range routes {
		op := &openapi3.Operation{
			OperationID: strings.ToLower(r.method) + regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.TrimPrefix(r.path, "/api/v1"), "_"),
			Summary:     r.summary,
			Responses:   openapi3.NewResponses(),
		}
		op.Responses.Delete("default")
		if r.needs != Anybody {
			op.Security = openapi3.NewSecurityRequirements().With(openapi3.NewSecurityRequirement().Authenticate("token")).With(openapi3.NewSecurityRequirement().Authenticate("query"))
			op.Extensions = map[string]any{"x-role": r.needs}
		}
		for _, name := range regexp.MustCompile(`\{(\w+)(?:\.\.\.)?\}`).FindAllStringSubmatch(r.path, -1) {
			op.AddParameter(openapi3.NewPathParameter(name[1]).WithSchema(openapi3.NewStringSchema()))
		}
		for _, q := range r.query {
			op.AddParameter(openapi3.NewQueryParameter(q.name).WithSchema(openapi3.NewStringSchema()).WithDescription(q.doc))
		}
		if r.takes != nil {
			op.RequestBody = &openapi3.RequestBodyRef{Value: openapi3.NewRequestBody().WithRequired(true).WithJSONSchemaRef(schema(r.takes))}
		}
		good := openapi3.NewResponse().WithDescription(r.summary)
		switch {
		case r.gives != nil:
			good.Content = openapi3.NewContentWithJSONSchemaRef(schema(r.gives))
		case r.media != "":
			good.Content = openapi3.NewContentWithSchema(openapi3.NewStringSchema(), []string{r.media})
		}
		op.AddResponse(r.answers(), good)
		if r.also != 0 {
			op.AddResponse(r.also, good)
		}
		op.Responses.Set("default", &openapi3.ResponseRef{Value: openapi3.NewResponse().WithDescription("why not").WithContent(problem)})
		doc.AddOperation(strings.ReplaceAll(r.path, "...}", "}"), r.method, op)
	}
	return doc
}

func (r *route) answers() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

func TestTheDocumentIsUpToDate(t *testing.T) {
	var text bytes.Buffer
	spelled, err := describe(t).MarshalJSON()
	if err == nil {
		err = json.Indent(&text, spelled, "", "  ")
	}
	if err != nil {
		t.Fatal(err)
	}
	text.WriteByte('\n')
	if *update {
		if err := os.WriteFile("openapi.json", text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(openAPI), text.String()); diff != "" {
		t.Errorf("openapi.json is stale; -update writes it (-is +should be):\n%s", diff)
	}
}

// load reads and checks what is served.
func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err == nil {
		err = doc.Validate(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// busy is a process with a bit of everything.
func busy() Options {
	o := new(told).options(setting.SecretOf("secret"))
	now := time.Now()
	h := status.Health{Phase: status.Running, Connectors: []status.Connector{
		{Flow: "flow", Type: "ws_server", Name: "edge", Required: true, State: status.Open, Since: now, Listening: []status.Listener{{Scheme: "ws", Address: "127.0.0.1:1"}}},
		{Flow: "flow", Type: "ws_client", Name: "up", Required: true, State: status.BackingOff, Paused: true, Since: now, NextRetry: now, Attempts: 3, LastError: "no"},
	}}
	o.Health = func() status.Health { return h }
	o.Flows = func() []status.Flow {
		return []status.Flow{{Name: "flow", Path: "flow.hcl", Description: "what for", Paused: true, Graph: graph.New(&flowfile.File{Name: "flow"})}}
	}
	o.Places = func() []engine.NamedPlace { return nil }
	o.Nearest = func(string, []string) string { return "" }
	o.Reload = func(context.Context) (Reloaded, error) { return Reloaded{Kept: 1}, nil }
	return o
}

// bodies are what routes take.
var bodies = map[string]string{
	"PATCH /api/v1/flows/{name}":          `{"status":"paused"}`,
	"POST /api/v1/connections/{id}/send":  `{"text":"hello"}`,
	"POST /api/v1/connections/{id}/close": `{"code":4000,"reason":"enough"}`,
}

// TestAnswersAreAsDescribed asks for every route, twice: for what is there, and what
// is not.
func TestAnswersAreAsDescribed(t *testing.T) {
	doc := load(t)
	s, err := New(busy())
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range routes {
		op := doc.Paths.Value(strings.ReplaceAll(route.path, "...}", "}")).GetOperation(route.method)
		names := []string{"nowhere"}
		if strings.Contains(route.path, "/flows/") {
			names = append(names, "flow")
		}
		if strings.Contains(route.path, "/connectors/") {
			names = append(names, "edge", "up")
		}
		for _, name := range names {
			if route.streams && name != "nowhere" {
				continue // it would not end
			}
			if route.streams && !strings.Contains(route.path, "{") {
				continue
			}
			path := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(route.path, name)
			r := httptest.NewRequest(route.method, path, strings.NewReader(bodies[route.method+" "+route.path]))
			r.RemoteAddr = "127.0.0.1:1"
			r.Header.Set("Authorization", "secret")
			w := httptest.NewRecorder()
			s.http.Handler.ServeHTTP(w, r)
			if err := compare(op, w); err != nil {
				t.Errorf("%s %s: %d %s: %v", route.method, path, w.Code, w.Body, err)
			}
			if w.Code >= 500 && route.also == 0 || name != "nowhere" && w.Code >= 400 {
				t.Errorf("%s %s: %d %s", route.method, path, w.Code, w.Body)
			}
		}
	}
}

// compare compares an answer with what is said of it.
func compare(op *openapi3.Operation, w *httptest.ResponseRecorder) error {
	said := op.Responses.Value(strconv.Itoa(w.Code))
	if said == nil {
		said = op.Responses.Value("default")
	}
	media := strings.TrimSpace(strings.Split(w.Header().Get("Content-Type"), ";")[0])
	content := said.Value.Content.Get(media)
	if content == nil {
		return errors.New("nothing is said of " + media)
	}
	if media != "application/json" {
		return nil
	}
	var v any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		return err
	}
	return content.Schema.Value.VisitJSON(v)
}

// TestWhatIsNoRouteIsAnsweredAlike shows that mistakes are told as JSON.
func TestWhatIsNoRouteIsAnsweredAlike(t *testing.T) {
	s, err := New(busy())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "/", "", 404, "not_found"},
		{"GET", "/api/v1//flows", "", 404, "not_found"},
		{"GET", "/api/v1/flows/", "", 404, "not_found"},
		{"GET", "/api/v1/../v1/flows", "", 404, "not_found"},
		{"DELETE", "/api/v1/flows", "", 405, "method_not_allowed"},
		{"OPTIONS", "/api/v1/flows", "", 405, "method_not_allowed"},
		{"GET", "/api/v1/flows/no%2Fflow", "", 404, "unknown_flow"},
		{"GET", "/api/v1/flows/" + strings.Repeat("x", 9000), "", 404, "unknown_flow"},
		{"GET", "/api/v1/connectors/edge?flow=other", "", 404, "unknown_connector"},
		{"GET", "/api/v1/flows/flow/graph?format=png", "", 400, "unknown_format"},
		{"PATCH", "/api/v1/flows/flow", "", 400, "body_invalid"},
		{"PATCH", "/api/v1/flows/flow", "{", 400, "body_invalid"},
		{"PATCH", "/api/v1/flows/flow", "[]", 400, "body_invalid"},
		{"PATCH", "/api/v1/flows/flow", `{"status":1}`, 400, "body_invalid"},
		{"PATCH", "/api/v1/flows/flow", `{"state":"paused"}`, 400, "body_invalid"},
		{"PATCH", "/api/v1/flows/flow", `{"status":"paused"} {}`, 400, "body_invalid"},
		{"PATCH", "/api/v1/flows/flow", `{"status":"` + strings.Repeat("x", maxBody) + `"}`, 413, "body_too_large"},
		{"PATCH", "/api/v1/flows/flow", `{"status":"stopped"}`, 422, "status_invalid"},
		{"PATCH", "/api/v1/flows/none", `{"status":"paused"}`, 404, "unknown_flow"},
	} {
		r := httptest.NewRequest(c.method, "/", strings.NewReader(c.body))
		r.RemoteAddr, r.RequestURI = "127.0.0.1:1", c.path
		r.URL, err = r.URL.Parse("http://127.0.0.1" + c.path)
		if err != nil {
			t.Fatal(err)
		}
		if c.path == "/api/v1/../v1/flows" {
			r.URL.Path = c.path
		}
		r.Header.Set("Authorization", "secret")
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, r)
		var e Error
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != c.status || e.Code != c.code || len(e.Message) > 300 {
			t.Errorf("%s %.100s %.50s: %d %s", c.method, c.path, c.body, w.Code, w.Body)
		}
	}
}
