package access

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/setting"
)

// FuzzForwarded puts anything to the left of what a trusted proxy has written:
// it must not matter.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"", "for=1.1.1.1", `for="`, `for="\`, `a="b,c";for=x,`, "1.1.1.1, 2.2.2.2", ",,;;=", `"`} {
		f.Add(seed)
	}
	p := proxies{trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	f.Fuzz(func(t *testing.T, left string) {
		for field, added := range map[string]string{"Forwarded": `for="192.0.2.7:80"`, "X-Forwarded-For": "192.0.2.7:80"} {
			r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{field: {left + ", " + added}}}
			if addr, refusal := p.client(r); refusal != nil || addr.String() != "192.0.2.7:80" {
				t.Errorf("%s: %q is left of it: %s", field, left, addr)
			}
			r.Header[field] = []string{left}
			p.client(r) // whatever it is, it ends
		}
	})
}

// FuzzCredentials puts anything where credentials are looked for: it ends, is
// refused, and nothing of it is left where a flow could see it.
func FuzzCredentials(f *testing.F) {
	for _, seed := range []string{"", "Bearer x", "Basic eDp5", "t=x; t=y", "a=b&token=c&&=", "bearer.x, y", `"`, "%zz", "a.b.c"} {
		f.Add(seed)
	}
	c := Config{Auth: Methods{
		&Token{From: []string{"header", "query:token", "cookie:t", "subprotocol"}, Tokens: []setting.Secret{setting.SecretOf("\x00not in any seed")}},
		&Basic{Credentials: []setting.Secret{setting.SecretOf("u:\x00not in any seed")}},
		&JWT{From: []string{"header"}, Secret: setting.SecretOf(strings.Repeat("k", 32))},
	}}
	g, err := c.New(Limits{}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := request("/")
		r.URL.RawQuery = text
		r.Header = http.Header{"Authorization": {text}, "Cookie": {text}, "Sec-Websocket-Protocol": {text}}
		if _, refusal := g.Admit(r); refusal == nil {
			t.Error("admitted")
		}
		if r.Header["Authorization"] != nil {
			t.Error("the Authorization header is left")
		}
		for _, p := range g.methods[0].(*tokens).from {
			if left := p.values(r); left != nil {
				t.Errorf("%s: %q is left", p.kind, left)
			}
		}
	})
}
