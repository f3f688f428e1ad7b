package tap

import (
	"net/http"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

func redaction(t *testing.T, redact ...string) *Redaction {
	t.Helper()
	r, err := NewRedaction(redact, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func parsed(t *testing.T, text string) flow.Event {
	t.Helper()
	raw, err := jsontext.Check([]byte(text), jsontext.DefaultDepth)
	if err != nil {
		t.Fatal(err)
	}
	return flow.Event{Raw: raw, Form: jsontext.Form{}}
}

func TestPayloadsAreRedacted(t *testing.T) {
	for _, c := range []struct {
		redact, event, want string
	}{
		{"", `{"a":1.0,"b":[1e3,{"c":null}]}`, `{"a":1.0,"b":[1e3,{"c":null}]}`},
		{"", `{"user":"a","passWord":"x","api-key":[1],"l":[{"Access_Token":{"t":1}}],"none":{"token":null,"cookies":{},"jwt":"","tokens":[]}}`,
			`{"user":"a","passWord":"*","api-key":"*","l":[{"Access_Token":"*"}],"none":{"token":null,"cookies":{},"jwt":"","tokens":[]}}`},
		{"Name", `{"name":"x","l":[[{"name":1,"names":2}]]}`, `{"name":"*","l":[[{"name":"*","names":2}]]}`},
		{"event.a.b", `{"a":{"b":1,"c":2},"b":3}`, `{"a":{"b":"*","c":2},"b":3}`},
		{"event.a", `[{"a":1}]`, `[{"a":1}]`},
		{"event.*.a", `[{"a":1},{"a":2,"b":3}]`, `[{"a":"*"},{"a":"*","b":3}]`},
		{"event[1]", `[1,2,3]`, `[1,"*",3]`},
		{`event["a.b"]`, `{"a.b":1,"a":{"b":2}}`, `{"a.b":"*","a":{"b":2}}`},
		{"event.*", `{"a":1,"b":2}`, `{"a":"*","b":"*"}`},
		{"event.a peer.host", `{"a":1,"host":2}`, `{"a":"*","host":2}`},
		{"event.a", `"a"`, `"a"`},
		{"", `{"error":{"kind":"decode"},"event":{"token":1},"raw":"abc","peer":null}`, `{"error":{"kind":"decode"},"event":{"token":"*"},"raw":"abc","peer":null}`},
		{"event.card", `{"error":1,"event":{"card":1},"raw":"abc","peer":null}`, `{"error":1,"event":{"card":"*"},"raw":"*","peer":null}`},
		{"peer.host", `{"error":1,"event":null,"raw":null,"peer":{"host":1,"port":2}}`, `{"error":1,"event":null,"raw":"*","peer":{"host":"*","port":2}}`},
		{"card", `{"error":1,"event":{"card":1},"raw":null,"peer":null}`, `{"error":1,"event":{"card":"*"},"raw":"*","peer":null}`},
	} {
		e := Event{event: parsed(t, c.event)}
		got := show(t, &e, redaction(t, strings.Fields(c.redact)...), "event")
		if want := strings.ReplaceAll(c.want, `"*"`, `"`+Redacted+`"`); got != want {
			t.Errorf("%s of %s:\n%s, not\n%s", c.redact, c.event, got, want)
		}
	}
}

func TestWhatIsShownThoughItsName(t *testing.T) {
	r, err := NewRedaction([]string{"event.l.token"}, []string{"Token"})
	if err != nil {
		t.Fatal(err)
	}
	e := Event{event: parsed(t, `{"token":"ABC","my_token":1,"l":{"token":2}}`)}
	if got := show(t, &e, r, "event"); got != `{"token":"ABC","my_token":"[redacted]","l":{"token":"[redacted]"}}` {
		t.Error(got)
	}
}

// TestPeersAreRedacted shows that nothing of what a client shows who it is leaves
// the process.
func TestPeersAreRedacted(t *testing.T) {
	header := http.Header{}
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "X-Auth-Token", "Referer", "Sec-WebSocket-Protocol", "X-Session-Id"} {
		header.Set(name, "a=hush=1")
	}
	header.Set("User-Agent", "curl")
	e := Event{event: flow.Event{Origin: &flow.Origin{
		Connector: &flow.Component{Type: "ws_server", Name: "edge"},
		Peer: flow.Peer{
			Host: "192.0.2.1", Path: "/rooms/5/hush=1", Params: map[string]string{"room": "5", "token": "hush=1"},
			Query: "symbol=ABC&access_token=hush=1&API-KEY=hush=1&jwt=hush=1", Header: flow.WireHeader(header),
			Claims: flow.ObjectOf(flow.Field{Key: "sub", Value: flow.TextOf("alice")}, flow.Field{Key: "email", Value: flow.TextOf("hush=1")}),
		},
	}}}
	got := show(t, &e, redaction(t, "peer.claims.email"), "peer") + show(t, &e, redaction(t), "meta")
	if strings.Contains(got, "hush") {
		t.Error(got)
	}
	for _, want := range []string{`"user-agent":"curl"`, `"symbol":"ABC"`, `"room":"5"`, `"sub":"alice"`, `"cookies":"[redacted]"`, `"path":"[redacted]"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	hidden := redaction(t, "peer.params.room", "peer.host")
	if got := show(t, &e, hidden, "peer") + show(t, &e, hidden, "meta"); strings.Contains(got, "rooms") || strings.Contains(got, "192") {
		t.Error(got)
	}
}

func TestMetaIsRedacted(t *testing.T) {
	e := Event{event: flow.Event{Meta: flow.Meta{
		Said:  flow.ObjectOf(flow.Field{Key: "http_client", Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "set-cookie", Value: flow.TextOf("hush")}))}),
		Wrote: flow.ObjectOf(flow.Field{Key: "x", Value: flow.TextOf("hush")}),
	}}}
	if got := show(t, &e, redaction(t, "meta.x"), "meta"); got != `{"http_client":{"set-cookie":"[redacted]"},"x":"[redacted]"}` {
		t.Error(got)
	}
}

func TestPathsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"": "no path", ".": "no path", "event.": "no path", "event..a": "no path", ".event": "no path", "event[": "no path", `event["a]`: "no path",
		`event["a"`: "no path", "[0]": "no path", "event[]": "no path", "event[0]a": "no path", `event["\q"]`: "no path",
		"events.a": "begins with event, meta or peer", "a.b": "begins with event",
		"event": "nothing to see", "*": "nothing to see",
	} {
		if _, err := NewRedaction([]string{"ok", text}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzRedaction shows that no path makes it fail, and that none shows what is called
// a secret.
func FuzzRedaction(f *testing.F) {
	f.Add("event.a[0].*", `{"a":[{"b":1}],"token":"hush"}`)
	f.Add(`event["a\"b"]`, `[[{"Secret":"hush"}]]`)
	f.Add("peer.headers", `{"error":1,"event":{"password":"hush"},"raw":2,"peer":3}`)
	f.Fuzz(func(t *testing.T, text, event string) {
		r, err := NewRedaction([]string{text}, nil)
		if err != nil {
			return
		}
		raw, err := jsontext.Check([]byte(`{"x":[{"my token":"hush"}],"y":`+event+`}`), jsontext.DefaultDepth)
		if err != nil || strings.Contains(event, "hush") {
			return
		}
		e := Event{event: flow.Event{Raw: raw, Form: jsontext.Form{}}}
		if got := show(t, &e, r, "event"); strings.Contains(got, "hush") {
			t.Errorf("%s shows %s", text, got)
		}
	})
}
