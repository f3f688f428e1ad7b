package access

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// request is one with header fields, "Name: value" each; a field "Host" sets
// the host, and "From" the address that it comes from.
func request(target string, fields ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host, r.RemoteAddr = "edge.example.org", "192.0.2.1:4711"
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		switch name {
		case "Host":
			r.Host = value
		case "From":
			r.RemoteAddr = value
		default:
			r.Header.Add(name, value)
		}
	}
	return r
}

func newGate(t *testing.T, c Config, limits Limits, conf *setting.TLSServer) *Gate {
	t.Helper()
	g, err := c.New(limits, conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Open(zap.NewNop()))
	return g
}

// admit returns the code of the refusal, "" for a visitor.
func admit(g *Gate, r *http.Request) (string, *Visitor, *Refusal) {
	v, refusal := g.Admit(r)
	if refusal != nil {
		return refusal.Code, nil, refusal
	}
	return "", v, nil
}

func write(t *testing.T, name, text string) setting.Path {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return setting.Path(path)
}

func TestOrigins(t *testing.T) {
	for _, test := range []struct {
		allowed []string // nil is not given
		sent    string   // "" is none
		want    bool
	}{
		{nil, "", true},
		{nil, "https://edge.example.org", true},
		{nil, "http://EDGE.example.org", true},
		{nil, "https://edge.example.org:8443", false},
		{nil, "https://evil.example", false},
		{nil, "null", false},
		{[]string{}, "", true},
		{[]string{}, "https://edge.example.org", false},
		{[]string{"self"}, "https://edge.example.org", true},
		{[]string{"*"}, "https://evil.example", true},
		{[]string{"*"}, "null", true},
		{[]string{"null"}, "null", true},
		{[]string{"null"}, "https://evil.example", false},
		{[]string{"https://app.example.org"}, "https://app.example.org", true},
		{[]string{"https://app.example.org"}, "https://APP.example.org", true},
		{[]string{"https://app.example.org"}, "http://app.example.org", false},
		{[]string{"https://app.example.org"}, "https://app.example.org:444", false},
		{[]string{"https://app.example.org:443"}, "https://app.example.org", true},
		{[]string{"https://app.example.org"}, "https://app.example.org/", false},
		{[]string{"https://app.example.org"}, "https://app.example.org.evil.example", false},
		{[]string{"https://app.example.org"}, "https://user@app.example.org", false},
		{[]string{"https://app.example.org"}, "app.example.org", false},
		{[]string{"https://*.example.org"}, "https://a.example.org", true},
		{[]string{"https://*.example.org"}, "https://a.b.example.org", true},
		{[]string{"https://*.example.org"}, "https://example.org", false},
		{[]string{"https://*.example.org"}, "https://.example.org", false},
		{[]string{"https://*.example.org"}, "https://evilexample.org", false},
		{[]string{"https://*.example.org"}, "https://a.example.org.evil.example", false},
		{[]string{"http://localhost:*"}, "http://localhost:3000", true},
		{[]string{"http://localhost:*"}, "http://localhost", true},
		{[]string{"http://localhost:3000"}, "http://localhost:3001", false},
		{[]string{"http://[::1]:3000"}, "http://[::1]:3000", true},
	} {
		g := newGate(t, Config{Origins: test.allowed}, Limits{}, nil)
		r := request("/")
		if test.sent != "" {
			r = request("/", "Origin: "+test.sent)
		}
		code, _, _ := admit(g, r)
		if (code == "") != test.want {
			t.Errorf("origins %q, sent %q: %q", test.allowed, test.sent, code)
		}
	}
	if code, _, _ := admit(newGate(t, Config{}, Limits{}, nil), request("/", "Origin: http://edge.example.org", "Origin: http://evil.example")); code != "origin_not_allowed" {
		t.Errorf("two origins: %q", code)
	}
}

func TestTheClientsAddress(t *testing.T) {
	trusted := []Network{}
	for _, text := range []string{"10.0.0.0/8", "fd00::/8", "192.0.2.9"} {
		var n Network
		if err := n.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		trusted = append(trusted, n)
	}
	for _, test := range []struct {
		fields string // separated by |
		want   string
	}{
		{"From: 192.0.2.1:5", "192.0.2.1:5"},
		{"From: [::ffff:192.0.2.1]:5", "192.0.2.1:5"},
		{"From: 192.0.2.1:5|X-Forwarded-For: 1.1.1.1", "192.0.2.1:5"}, // forged by a stranger
		{"From: 192.0.2.1:5|Forwarded: for=1.1.1.1", "192.0.2.1:5"},
		{"From: 10.0.0.1:5", "10.0.0.1:5"},
		{"From: 10.0.0.1:5|X-Forwarded-For: 1.1.1.1", "1.1.1.1:0"},
		{"From: [::ffff:10.0.0.1]:5|X-Forwarded-For: 1.1.1.1", "1.1.1.1:0"},
		{"From: 192.0.2.9:5|X-Forwarded-For: 1.1.1.1:80", "1.1.1.1:80"},
		{"From: [fd00::1%eth0]:5|X-Forwarded-For: 2001:db8::1", "[2001:db8::1]:0"},
		{"From: 10.0.0.1:5|X-Forwarded-For: [2001:db8::1]:443", "[2001:db8::1]:443"},
		{"From: 10.0.0.1:5|X-Forwarded-For: [2001:db8::1]", "[2001:db8::1]:0"},
		{"From: 10.0.0.1:5|X-Forwarded-For: 8.8.8.8, 1.1.1.1", "1.1.1.1:0"}, // what is left of the client it wrote itself
		{"From: 10.0.0.1:5|X-Forwarded-For: 8.8.8.8, 1.1.1.1 , 10.9.9.9", "1.1.1.1:0"},
		{"From: 10.0.0.1:5|X-Forwarded-For: 8.8.8.8|X-Forwarded-For: 1.1.1.1", "1.1.1.1:0"},
		{"From: 10.0.0.1:5|X-Forwarded-For: 10.0.0.2, 10.0.0.3", "10.0.0.2:0"}, // all are trusted
		{"From: 10.0.0.1:5|X-Forwarded-For: ", "10.0.0.1:5"},
		{"From: 10.0.0.1:5|X-Forwarded-For: 1.1.1.1,", "1.1.1.1:0"},
		{"From: 10.0.0.1:5|X-Forwarded-For: garbage", "10.0.0.1:5"},
		{"From: 10.0.0.1:5|X-Forwarded-For: garbage, 10.0.0.2", "10.0.0.2:0"},
		{"From: 10.0.0.1:5|X-Forwarded-For: 1.1.1.1:99999", "10.0.0.1:5"},
		{"From: 10.0.0.1:5|X-Forwarded-For: unknown", "10.0.0.1:5"},
		{"From: 10.0.0.1:5|Forwarded: for=1.1.1.1", "1.1.1.1:0"},
		{"From: 10.0.0.1:5|Forwarded: proto=https;FOR=\"1.1.1.1:80\";by=x", "1.1.1.1:80"},
		{"From: 10.0.0.1:5|Forwarded: for=\"[2001:db8::1]:4711\"", "[2001:db8::1]:4711"},
		{"From: 10.0.0.1:5|Forwarded: for=\"[2001:db8::1]\"", "[2001:db8::1]:0"},
		{"From: 10.0.0.1:5|Forwarded: for=\"1.1.1.1:_port\"", "1.1.1.1:0"},
		{"From: 10.0.0.1:5|Forwarded: for=_hidden", "10.0.0.1:5"},
		{"From: 10.0.0.1:5|Forwarded: for=8.8.8.8, for=1.1.1.1", "1.1.1.1:0"},
		{"From: 10.0.0.1:5|Forwarded: for=8.8.8.8|Forwarded: for=1.1.1.1, for=10.0.0.2", "1.1.1.1:0"},
		{"From: 10.0.0.1:5|Forwarded: for=\", for=1.1.1.1", "1.1.1.1:0"}, // an open quote hides nothing
		{"From: 10.0.0.1:5|Forwarded: for=8.8.8.8;x=\"\\\", for=1.1.1.1", "1.1.1.1:0"},
		{"From: 10.0.0.1:5|Forwarded: by=\"a,b\";for=1.1.1.1", "1.1.1.1:0"},
		{"From: 10.0.0.1:5|Forwarded: proto=https", "10.0.0.1:5"},
		{"From: 10.0.0.1:5|Forwarded: for=1.1.1.1|X-Forwarded-For: 1.1.1.1", "1.1.1.1:0"},
		{"From: 10.0.0.1:5|Forwarded: for=1.1.1.1|X-Forwarded-For: 8.8.8.8", "forwarding_ambiguous"},
	} {
		g := newGate(t, Config{TrustedProxies: trusted}, Limits{}, nil)
		code, v, _ := admit(g, request("/", strings.Split(test.fields, "|")...))
		if v != nil {
			code = v.Addr.String()
		}
		if code != test.want {
			t.Errorf("%s: %s, want %s", test.fields, code, test.want)
		}
	}
	both := request("/", "From: 10.0.0.1:5", "Forwarded: for=1.1.1.1", "X-Forwarded-For: 8.8.8.8")
	for field, want := range map[string]string{"Forwarded": "1.1.1.1:0", "X-Forwarded-For": "8.8.8.8:0"} {
		_, v, _ := admit(newGate(t, Config{TrustedProxies: trusted, ProxyHeader: field}, Limits{}, nil), both)
		if v == nil || v.Addr.String() != want {
			t.Errorf("proxy_header %s: %v", field, v)
		}
	}
}

func TestLimits(t *testing.T) {
	c := Config{Auth: Methods{&Basic{Credentials: []setting.Secret{setting.SecretOf("u:p"), setting.SecretOf("v:p")}}}}
	g := newGate(t, c, Limits{MaxConnections: 4, MaxConnectionsPerIP: 2, MaxConnectionsPerIdentity: 2, IPv6Prefix: 64}, nil)
	from := func(addr, user string) (string, *Visitor) {
		r := request("/", "From: "+addr)
		r.SetBasicAuth(user, "p")
		code, v, _ := admit(g, r)
		return code, v
	}
	var in []*Visitor
	for _, step := range []struct{ addr, user, want string }{
		{"[2001:db8::1]:1", "u", ""},
		{"[2001:db8::2]:1", "v", ""},
		{"[2001:db8:0:0:ffff::3]:1", "v", "too_many_connections_from_address"},
		{"[2001:db8:0:1::3]:1", "u", ""},
		{"1.1.1.1:1", "u", "too_many_connections_of_identity"},
		{"1.1.1.1:1", "w", "credentials_invalid"},
		{"1.1.1.1:1", "v", ""},
		{"1.1.1.2:1", "v", "too_many_connections"},
	} {
		code, v := from(step.addr, step.user)
		if code != step.want {
			t.Errorf("%s as %s: %q, want %q", step.addr, step.user, code, step.want)
		}
		if v != nil {
			in = append(in, v)
		}
	}
	for _, v := range in {
		v.Leave()
		v.Leave()
	}
	if n := g.counts; n.all != 0 || len(n.byIP) != 0 || len(n.byWho) != 0 {
		t.Errorf("after all have left: %d, %v, %v", n.all, n.byIP, n.byWho)
	}
}

func TestRefusalsAreAnsweredInJSON(t *testing.T) {
	g := newGate(t, Config{}, Limits{MaxConnections: 1}, nil)
	if code, _, _ := admit(g, request("/")); code != "" {
		t.Fatal(code)
	}
	_, _, refusal := admit(g, request("/"))
	w := httptest.NewRecorder()
	refusal.WriteTo(w)
	if w.Code != 503 || w.Body.String() != `{"error":"too_many_connections","message":"there are too many connections"}`+"\n" ||
		w.Header().Get("Retry-After") != "5" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if refusal.Error() != "503 too_many_connections: max_connections is reached" {
		t.Error(refusal)
	}
}

func TestRefusedOriginsAreShown(t *testing.T) {
	g := newGate(t, Config{}, Limits{}, nil)
	for sent, want := range map[string]string{
		"https://evil.example:8443":              "https://evil.example:8443",
		"null":                                   "null",
		"":                                       "",
		"https://user:pass@word@evil.example":    "https://evil.example",
		"https://\x1b[2Jevil\r\n\xff\"é\u202e":   `https://\x1b[2Jevil\r\n\xff\"\u00e9\u202e`,
		"https://" + strings.Repeat("a", 10_000): "https://" + strings.Repeat("a", 92) + "…",
	} {
		r := request("/")
		r.Header["Origin"] = []string{sent}
		if _, _, refusal := admit(g, r); refusal.Origin != want {
			t.Errorf("%q is shown as %q, want %q", sent, refusal.Origin, want)
		}
		r.Header["Origin"] = []string{sent, sent, "c"}
		if _, _, refusal := admit(g, r); refusal.Origin != want+" and 2 more" {
			t.Errorf("%q and others are shown as %q", sent, refusal.Origin)
		}
	}
}

// TestMistakes wants all at once, each with the argument that it is about.
func TestMistakes(t *testing.T) {
	c := Config{
		Origins:       []string{"app.example.org"},
		ProxyProtocol: true,
		Auth: Methods{
			&Basic{},
			&Basic{Credentials: []setting.Secret{setting.SecretOf("nobody"), setting.SecretOf("a:{SHA}x")}, CredentialsFile: "none"},
			&Token{From: []string{"query"}},
			&Token{From: []string{"header"}, Hashes: map[setting.Secret]flow.Value{setting.SecretOf("12"): flow.NullValue}},
			&JWT{From: []string{"header"}},
			&JWT{From: []string{"header"}, Secret: setting.SecretOf("short"), Algorithms: []string{"none"}},
			&JWT{From: []string{"header"}, JWKSURL: endpoint.URL{Scheme: "http", Host: "id.example.org"}},
			&MTLS{},
		},
	}
	_, err := c.New(Limits{}, nil)
	got := map[string]string{}
	for _, one := range err.(interface{ Unwrap() []error }).Unwrap() {
		collect(one, got)
	}
	for field, want := range map[string]string{
		"origins[0]":               `"app.example.org" is no origin`,
		"proxy_protocol":           "needs trusted_proxies",
		"auth[0]":                  "needs credentials or credentials_file",
		"auth[1].credentials[0]":   `credentials[0]: a user is written "user:password"`,
		"auth[1].credentials[1]":   "hashes by MD5 and SHA-1",
		"auth[1].credentials_file": "cannot read none: no such file or directory",
		"auth[2].from[0]":          `"query" is no place of a token`,
		"auth[3].hashes.12":        "a SHA-256 digest has 64 hex digits",
		"auth[4]":                  "needs one of secret, public_key and jwks_url",
		"auth[5].secret":           "less than 32 bytes",
		"auth[5].algorithms[0]":    `"none" is not one of HS256`,
		"auth[6].jwks_url":         "must be https",
		"auth[7]":                  "needs a tls block with client_ca",
	} {
		if !strings.Contains(got[field], want) {
			t.Errorf("%s: %q, want %q", field, got[field], want)
		}
	}
}

func collect(err error, into map[string]string) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			collect(one, into)
		}
		return
	}
	fe := (*setting.Error)(nil)
	if errors.As(err, &fe) {
		into[fe.Field] += fe.Error()
	}
}

func TestNetworks(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8": "", "::1": "", "10.0.0.1/8": `did you mean "10.0.0.0/8"`, "10.0.0/8": "is no network", "x": "is no network", "": "is no network",
	} {
		err := (&Network{}).UnmarshalText([]byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCertificates(t *testing.T) {
	conf := &setting.TLSServer{ClientCA: "ca.pem"}
	r := request("/")
	r.TLS = &tls.ConnectionState{}
	if code, _, _ := admit(newGate(t, Config{Auth: Methods{&MTLS{}}}, Limits{}, conf), r); code != "credentials_missing" {
		t.Error(code)
	}
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "x", true}, {"a*c", "abc", true}, {"a*c", "ac", true}, {"a*c", "ab", false}, {"*.x.org", "a.x.org", true},
		{"*.x.org", "x.org", false}, {"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false}, {"ab*ba", "aba", false}, {"abc", "abc", true},
	} {
		if globMatch(test.pattern, test.name) != test.want {
			t.Errorf("%s, %s", test.pattern, test.name)
		}
	}
}
