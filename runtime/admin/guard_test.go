package admin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
)

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// ask sends a request to a server that has not started, and says what is answered.
func ask(s *Server, method, path string, headers ...string) (status int, e Error, h http.Header) {
	r := httptest.NewRequest(method, strings.NewReplacer("{", "", "}", "").Replace(path), strings.NewReader("{}"))
	r.RemoteAddr, r.Host = "127.0.0.1:1", "127.0.0.1"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	_ = json.Unmarshal(w.Body.Bytes(), &e) // of what is no error, too
	return w.Code, e, w.Header()
}

// TestEachRouteWantsItsRole asks for every route with every set of roles, with no
// token and with a wrong one.
func TestEachRouteWantsItsRole(t *testing.T) {
	tokens := map[string][]Role{
		"all": allRoles, "every": allRoles, "reads": {Read}, "taps": {Tap}, "controls": {Control},
		"looks": {Read, Tap}, "steers": {Read, Control}, "nothing": nil,
	}
	lines := []string{
		"# who may what", "all sub=root", "{SHA256}" + digest("every"), "reads roles=read sub=prometheus", "taps\troles=tap",
	}
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	roles := func(all ...flow.Value) flow.Value {
		return flow.MapOf(flow.ObjectOf(flow.Field{Key: "roles", Value: flow.ListOf(all)}))
	}
	o := new(told).options()
	o.Settings.TokensFile = setting.Path(file)
	o.Settings.Hashes = map[setting.Secret]flow.Value{
		setting.SecretOf(digest("controls")): flow.MapOf(flow.ObjectOf(flow.Field{Key: "roles", Value: flow.TextOf("control")})),
		setting.SecretOf(digest("looks")):    roles(flow.TextOf("read"), flow.TextOf("tap")),
		setting.SecretOf(digest("steers")):   roles(flow.TextOf("control"), flow.TextOf("read")),
		setting.SecretOf(digest("nothing")):  roles(),
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range routes {
		if route.needs == Anybody {
			if status, _, _ := ask(s, route.method, route.path); status == http.StatusUnauthorized || status == http.StatusForbidden {
				t.Errorf("%s %s: %d", route.method, route.path, status)
			}
			continue
		}
		for _, headers := range [][]string{nil, {"Authorization", "Bearer guess"}, {"Cookie", "flowrun_token=guess"}, {"Authorization", "Basic YWxsOmFsbA=="}} {
			if status, _, _ := ask(s, route.method, route.path, headers...); status != http.StatusUnauthorized {
				t.Errorf("%s %s with %q: %d", route.method, route.path, headers, status)
			}
		}
		for token, has := range tokens {
			if slices.Contains(has, route.needs) {
				continue // that it is done is for others to show
			}
			status, e, _ := ask(s, route.method, route.path, "Authorization", "Bearer "+token)
			if status != http.StatusForbidden || e.Code != "role_missing" || e.Needs != route.needs || !strings.Contains(e.Message, string(route.needs)) {
				t.Errorf("%s %s of %s: %d %+v", route.method, route.path, token, status, e)
			}
		}
	}
	for token, has := range tokens {
		status, _, _ := ask(s, "GET", "/api/v1/version", "Cookie", "flowrun_token="+token)
		if want := slices.Contains(has, Read); (status == http.StatusOK) != want {
			t.Errorf("%s reads: %d", token, status)
		}
	}
}

// TestWithoutTokensNothingChanges asks for every route.
func TestWithoutTokensNothingChanges(t *testing.T) {
	var d told
	s, err := New(d.options())
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range routes {
		if route.needs == Anybody || route.needs == Read {
			continue
		}
		if status, e, _ := ask(s, route.method, route.path); status != http.StatusForbidden || e.Code != "read_only" || e.Needs != route.needs {
			t.Errorf("%s %s: %d %+v", route.method, route.path, status, e)
		}
	}
	if d.reloads.Load()+d.drains.Load()+d.pauses.Load() > 0 {
		t.Error("something has changed")
	}
}

func TestMisspeltRolesAreRefused(t *testing.T) {
	for line, want := range map[string]string{
		"secret role=read":             `line 1: there is no attribute "role" of a token`,
		"secret roles=reed":            "line 1: roles has what is no role: the roles are read, tap, control",
		"secret roles=read,":           "line 1: roles has what is no role",
		"secret roles=":                "line 1: roles has what is no role",
		"secret sub=":                  "line 1: sub is the name",
		"secret sub=a,b":               "line 1: sub is the name",
		"secret read":                  "line 1: after a token, write what is known of it",
		"secret roles=read roles=tap":  "line 1: after a token, write what is known of it, each once",
		"{SHA256}secret roles=control": "line 1: ",
	} {
		file := filepath.Join(t.TempDir(), "tokens")
		if err := os.WriteFile(file, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		err := Check(flowfile.Admin{Address: "127.0.0.1:0", TokensFile: setting.Path(file)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the message has the token: %v", line, err)
		}
	}
}

func TestPagesOfOrigins(t *testing.T) {
	o := new(told).options(setting.SecretOf("secret"))
	o.Settings.Origins = []string{"self", "https://ops.example.org"}
	named, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	o.Settings.Origins = []string{"*"}
	any, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name           string
		to             *Server
		method, origin string
		headers        []string
		status         int
		shared         bool
	}{
		{"its own", named, "GET", "http://127.0.0.1", []string{"Authorization", "secret"}, 200, true},
		{"by name", named, "GET", "https://ops.example.org", []string{"Authorization", "secret"}, 200, true},
		{"by name, without a token", named, "GET", "https://ops.example.org", nil, 401, false},
		{"foreign", named, "GET", "https://evil.example", []string{"Authorization", "secret"}, 403, false},
		{"the cookie of a page", named, "GET", "https://ops.example.org", []string{"Cookie", "flowrun_token=secret"}, 200, true},
		{"a cookie where all pages may", any, "GET", "https://evil.example", []string{"Cookie", "flowrun_token=secret"}, 401, false},
		{"any", any, "GET", "https://evil.example", []string{"Authorization", "secret"}, 200, true},
		{"preflight by name", named, "OPTIONS", "https://ops.example.org", []string{"Access-Control-Request-Method", "POST"}, 204, true},
		{"preflight, foreign", named, "OPTIONS", "https://evil.example", []string{"Access-Control-Request-Method", "POST"}, 403, false},
		{"no preflight", named, "OPTIONS", "https://ops.example.org", nil, 401, false},
	} {
		status, _, h := ask(c.to, c.method, "/api/v1/version", append(c.headers, "Origin", c.origin)...)
		if status != c.status || (h.Get("Access-Control-Allow-Origin") == c.origin) != c.shared || h.Get("Vary") != "Origin" {
			t.Errorf("%s: %d %v", c.name, status, h)
		}
		if credentials := h.Get("Access-Control-Allow-Credentials"); credentials != "" && c.to == any {
			t.Errorf("%s: with credentials", c.name)
		}
	}
	o.Settings.Tokens = nil
	if _, err := New(o); err == nil {
		t.Error("any page may read what has no tokens")
	}
}
