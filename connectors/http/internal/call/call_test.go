package call

import (
	"errors"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

func target(t testing.TB, text string) *Target {
	t.Helper()
	var u endpoint.URL
	if err := u.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	target, err := NewTarget(u.OrPort(80), "http")
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestTargetsThatCannotBe(t *testing.T) {
	for _, text := range []string{"a:1/x{id}", "a:1/{a}/{a}", "a:1/{$}", "a:1/{rest...}/x"} {
		var u endpoint.URL
		if err := u.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := NewTarget(u, "http"); err == nil {
			t.Errorf("%s is a target", text)
		}
	}
}

func TestTargetWithoutParameters(t *testing.T) {
	for text, want := range map[string]string{
		"a:1":            "http://a:1/",
		"a/é x?q=%20&r":  "http://a:80/%C3%A9%20x?q=%20&r",
		"a/b//../c":      "http://a:80/b//../c",
		"u:p@[::1]:1/x":  "http://[::1]:1/x",
		"a:1/x/?k={id}#": "",
	} {
		var u endpoint.URL
		if u.UnmarshalText([]byte(text)) != nil {
			continue // a fragment
		}
		got, err := target(t, text).URL(nil, nil)
		if err != nil || got.String() != want {
			t.Errorf("%s goes to %s, %v", text, got, err)
		}
	}
}

// Whatever an event says, the request goes to the same host, below the same path, and
// the server finds there what the event has said.
func FuzzTarget(f *testing.F) {
	f.Add("../..", "", "")
	f.Add("/", ".a/..b", "")
	for _, s := range []string{"a", "..", "a/../b", "%2e%2e", "?x", "#", "\\..\\", "//evil/", "\r\nHost: x", "é\x00"} {
		f.Add(s, s, s)
	}
	at := target(f, "host:1/api/{id}/x/{rest...}?key=secret")
	f.Fuzz(func(t *testing.T, id, rest, value string) {
		params := flow.ObjectOf(flow.Field{Key: "id", Value: flow.TextOf(id)}, flow.Field{Key: "rest", Value: flow.TextOf(rest)})
		u, err := at.URL(params, flow.ObjectOf(flow.Field{Key: "q", Value: flow.TextOf(value)}))
		if err != nil {
			return
		}
		r, err := http.NewRequest(http.MethodGet, u.String(), nil)
		if err != nil {
			t.Fatalf("%q: %v", u, err)
		}
		var seenID, seenRest string
		mux := http.NewServeMux()
		mux.HandleFunc("/api/{id}/x/{rest...}", func(_ http.ResponseWriter, r *http.Request) {
			seenID, seenRest = r.PathValue("id"), r.PathValue("rest")
		})
		_, pattern := mux.Handler(r)
		if r.URL.Host != "host:1" || r.URL.Scheme != "http" || strings.ContainsAny(u.RequestURI(), " \r\n") {
			t.Errorf("goes to %s", u)
		}
		if !strings.HasPrefix(path.Clean(u.Path)+"/", "/api/") {
			t.Fatalf("%q, %q: another path, %s", id, rest, u.RequestURI())
		}
		if path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") {
			return // net/http's servers redirect these
		}
		if pattern == "" {
			t.Fatalf("%q, %q: nobody serves %s", id, rest, u.RequestURI())
		}
		mux.ServeHTTP(nil, r)
		if seenID != id || seenRest != rest || r.URL.Query().Get("q") != value || r.URL.Query().Get("key") != "secret" {
			t.Errorf("%q, %q, %q came as %q, %q, %q by %s", id, rest, value, seenID, seenRest, r.URL.Query(), u)
		}
	})
}

func TestStatuses(t *testing.T) {
	s, err := NewStatuses([]string{"2xx", "404", "503"}, []string{"4xx", "5xx", "204"})
	if err != nil {
		t.Fatal(err)
	}
	for status, want := range map[int]Worth{200: Success, 299: Success, 204: Again, 404: Success, 403: Again, 500: Again, 503: Success, 302: Failure, 799: Failure, -1: Failure} {
		if got := s.of(status); got != want {
			t.Errorf("%d is worth %d", status, got)
		}
	}
	for _, test := range []struct {
		success, again []string
		field, message string
	}{
		{[]string{"2xx", "abc"}, nil, "success_on[1]", "no status"},
		{nil, []string{"99"}, "retry_on[0]", "no status"},
		{nil, []string{"1xx"}, "retry_on[0]", "no status"},
		{nil, []string{"600"}, "retry_on[0]", "no status"},
		{[]string{"5xx"}, []string{"429", "5xx"}, "retry_on[1]", "in success_on, too"},
	} {
		_, err := NewStatuses(test.success, test.again)
		fe := (*setting.Error)(nil)
		if !errors.As(err, &fe) || fe.Field != test.field || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%q, %q: %v", test.success, test.again, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-1": 0, "1e3": 0, "99999999999999999999": 0, "Wed, 21 Oct 2015 07:28:00 GMT": 0, "soon": 0} {
		if got := after(http.Header{"Retry-After": {text}}); got != want {
			t.Errorf("%q is %v", text, got)
		}
	}
	in := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	if got := after(http.Header{"Retry-After": {in}}); got < 50*time.Minute || got > time.Hour {
		t.Errorf("an hour is %v", got)
	}
}
