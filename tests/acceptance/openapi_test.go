package acceptance

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestAnswersAreAsTheProcessDescribesThem asks a process with a client for its own
// description, and for all that can be looked at: with what is there, and what is not.
func TestAnswersAreAsTheProcessDescribesThem(t *testing.T) {
	s := startSteered(t, `flow {
  description = "to be described"
}

connector "ws_server" "edge" {
  url   = "127.0.0.1:0"
  codec = "json"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`)
	c := mustDial(t, s.address("edge"))
	if err := echoes(c, `{"n":1}`); err != nil {
		t.Fatal(err)
	}
	var raw json.RawMessage
	s.ask(200, "GET", "/api/v1/openapi.json", "", &raw)
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err == nil {
		err = doc.Validate(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	var page struct{ Connections []struct{ ID string } }
	s.ask(200, "GET", "/api/v1/connections", "", &page)
	if len(page.Connections) != 1 {
		t.Fatalf("there are %d connections", len(page.Connections))
	}
	id := url.PathEscape(page.Connections[0].ID)
	looked := 0
	for path, item := range doc.Paths.Map() {
		if item.Get == nil || isStream(item.Get) {
			continue
		}
		is := strings.NewReplacer("/connections/{id}", "/connections/"+id, "/connectors/{name}", "/connectors/edge", "/flows/{name}", "/flows/flow").Replace(path)
		s.described(item.Get, "GET", is, "", 200)
		looked++
		if is != path {
			not := strings.NewReplacer("{id}", "nowhere", "{name}", "nowhere").Replace(path)
			s.described(item.Get, "GET", not, "", 404)
		}
	}
	if looked < 10 {
		t.Errorf("only %d things can be looked at", looked)
	}
	told := func(path, body string, status int) {
		pattern := strings.NewReplacer(id, "{id}", "/connectors/edge/", "/connectors/{name}/", "/flows/flow/", "/flows/{name}/").Replace(path)
		s.described(doc.Paths.Value(pattern).Post, "POST", path, body, status)
	}
	told("/api/v1/connections/"+id+"/send", `{"text":"{\"n\":2}"}`, 202)
	if err := expect(c, `{"n":2}`); err != nil {
		t.Error(err)
	}
	told("/api/v1/connections/"+id+"/send", `{"text":1}`, 400)
	told("/api/v1/connections/"+id+"/send", `{}`, 422)
	told("/api/v1/connections/"+id+"/close", `{"code":1005}`, 422)
	told("/api/v1/connections/"+id+"/close", `{"code":4001,"reason":"enough"}`, 202)
	if f, err := c.Next(); err != nil || f.Code() != 4001 {
		t.Errorf("the client got %v, %v", f, err)
	}
	told("/api/v1/connectors/edge/pause", "", 200)
	told("/api/v1/flows/flow/pause", "", 200)
	told("/api/v1/connectors/edge/resume", "", 409)
	told("/api/v1/flows/flow/resume", "", 200)
	told("/api/v1/connectors/edge/resume", "", 200)
	for range 20 {
		told("/api/v1/reload", "", 200)
	}
	told("/api/v1/drain", "", 202)
	s.exits(0)
	log := s.Stderr.String()
	for what, times := range map[string]int{"close a connection": 2, "pause a flow": 1, "resume a connector": 2, "reload": 20, "drain": 1} {
		if n := strings.Count(log, `"msg":"told by the admin API","to":"`+what+`"`); n != times {
			t.Errorf("that somebody told it to %s is logged %d times, not %d", what, n, times)
		}
	}
	if strings.Contains(log, "of-the-test") {
		t.Error("the token is in the log")
	}
}

func isStream(op *openapi3.Operation) bool {
	for _, r := range op.Responses.Map() {
		if r.Value.Content.Get("text/event-stream") != nil {
			return true
		}
	}
	return op.Responses.Value("101") != nil
}

// described asks for something, and compares the answer with what is said of it.
func (s *steered) described(op *openapi3.Operation, method, path, body string, status int) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(withPatience(s.t), method, s.api+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer of-the-test")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	said := op.Responses.Value(strconv.Itoa(answer.StatusCode))
	if said == nil {
		said = op.Responses.Value("default")
	}
	media, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
	content := said.Value.Content.Get(media)
	var v any
	switch {
	case answer.StatusCode != status:
		s.t.Errorf("%s %s: %s, not %d: %s", method, path, answer.Status, status, text)
	case content == nil:
		s.t.Errorf("%s %s: nothing is said of %s", method, path, media)
	case media != "application/json":
	case json.Unmarshal(text, &v) != nil:
		s.t.Errorf("%s %s: this is no JSON: %s", method, path, text)
	default:
		if err := content.Schema.Value.VisitJSON(v); err != nil {
			s.t.Errorf("%s %s: %v", method, path, err)
		}
	}
}
