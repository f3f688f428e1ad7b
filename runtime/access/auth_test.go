package access

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/crypto/bcrypt"
)

func secrets(list ...string) (s []setting.Secret) {
	for _, text := range list {
		s = append(s, setting.SecretOf(text))
	}
	return s
}

func digestOf(s string) string {
	d := sha256.Sum256([]byte(s))
	return hex.EncodeToString(d[:])
}

func TestBasic(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("slow"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	base := sha256.Sum256([]byte("base"))
	b := &Basic{
		Realm:           `a "b"`,
		Credentials:     secrets("alice:open:sesame", "bob:"+string(hash), "carol:{SHA256}"+digestOf("hex"), "dave:{SHA256}"+base64.StdEncoding.EncodeToString(base[:])),
		CredentialsFile: write(t, "users", "# who may\n\nerin:file\r\nfrank:"+string(hash)+"\n"),
	}
	g := newGate(t, Config{Auth: Methods{b}}, Limits{}, nil)
	for login, want := range map[string]string{
		"alice:open:sesame": "", "bob:slow": "", "carol:hex": "", "dave:base": "", "erin:file": "", "frank:slow": "",
		"alice:": "credentials_invalid", "alice:slow": "credentials_invalid", "bob:fast": "credentials_invalid",
		"bob:" + string(hash): "credentials_invalid", "carol:" + digestOf("hex"): "credentials_invalid",
		"nobody:slow": "credentials_invalid", ":": "credentials_invalid", "# who may:": "credentials_invalid",
	} {
		r := request("/")
		user, word, _ := strings.Cut(login, ":")
		r.SetBasicAuth(user, word)
		code, v, refusal := admit(g, r)
		if code != want {
			t.Errorf("%s: %q, want %q", login, code, want)
			continue
		}
		if v != nil && (v.Name != "basic "+user || v.Claims.Len() != 1) {
			t.Errorf("%s: %+v", login, v.Identity)
		}
		if refusal != nil && (refusal.Status != 401 || !cmp.Equal(refusal.Challenges, []string{`Basic realm="a \"b\"", charset="UTF-8"`})) {
			t.Errorf("%s: %+v", login, refusal)
		}
		if r.Header.Get("Authorization") != "" {
			t.Error("the header is still there")
		}
	}
	for _, header := range []string{"", "Basic", "Basic x", "Basic " + base64.StdEncoding.EncodeToString([]byte("alice")), "Bearer x"} {
		code, _, _ := admit(g, request("/", "Authorization: "+header))
		if code != "credentials_invalid" {
			t.Errorf("%q: %q", header, code)
		}
	}
	if code, _, _ := admit(g, request("/")); code != "credentials_missing" {
		t.Errorf("without a header: %q", code)
	}
}

func TestWhatIsNoUser(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "there is no user in it",
		"# a:b":                               "there is no user in it",
		"a:b\nc":                              "line 2: a user is written",
		":b":                                  "line 1: a user is written",
		"a:":                                  "line 1: the password is empty",
		"a:b\na:c":                            "line 2: the user is there twice",
		"a:$2y$10$x":                          "line 1: the bcrypt hash is broken",
		"a:{SHA256}x":                         "line 1: a SHA-256 digest",
		"a:$apr1$x$y":                         "line 1: hashes by MD5",
		"a:$2a$31$" + strings.Repeat("x", 53): "line 1: the bcrypt hash costs 31, more than 15",
	} {
		if _, err := parseUsers([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestUnknownUsersCostTheSame looks at what is computed, not at how long it
// takes: as many hashes for an unknown user as for a wrong password.
func TestUnknownUsersCostTheSame(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("slow"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	u, err := parseUsers([]byte("a:fast\nb:" + string(hash)))
	if err != nil {
		t.Fatal(err)
	}
	held := 0
	for range cap(turns) { // nobody else can compute a hash: who needs one waits
		turns <- struct{}{}
		held++
	}
	defer func() {
		for range held {
			<-turns
		}
	}()
	ctx, cancel := contextThatEnds()
	defer cancel()
	for _, user := range []string{"a", "b", "nobody"} {
		if _, err := check(ctx, []users{u}, user, "wrong"); err == nil {
			t.Errorf("%s: no hash is computed", user)
		}
	}
}

func TestToken(t *testing.T) {
	c := &Token{
		From:       []string{"header", "query:token", "cookie:session", "subprotocol"},
		Tokens:     secrets("plain"),
		Hashes:     map[setting.Secret]flow.Value{setting.SecretOf(digestOf("known")): flow.MapOf(flow.ObjectOf(flow.Field{Key: "sub", Value: flow.TextOf("alice")}, flow.Field{Key: "plan", Value: flow.TextOf("pro")}))},
		TokensFile: write(t, "tokens", "# ours\nfiled\n{SHA256}"+digestOf("hashed")+"\n"),
		HashesFile: write(t, "hashes.json", `{"`+digestOf("stored")+`": {"sub": "bob", "limit": 10}}`),
	}
	g := newGate(t, Config{Auth: Methods{c}}, Limits{}, nil)
	for _, test := range []struct{ target, fields, want string }{
		{"/", "Authorization: Bearer plain", ""},
		{"/", "Authorization: bearer   plain", ""},
		{"/", "Authorization: plain", ""},
		{"/", "Authorization: Bearer known", ""},
		{"/", "Authorization: Bearer filed", ""},
		{"/", "Authorization: Bearer hashed", ""},
		{"/", "Authorization: Bearer stored", ""},
		{"/", "Authorization: Bearer {SHA256}" + digestOf("hashed"), "credentials_invalid"},
		{"/", "Authorization: Bearer # ours", "credentials_invalid"},
		{"/", "Authorization: Basic plain", "credentials_invalid"},
		{"/", "Authorization: plain|Authorization: plain", "credentials_invalid"},
		{"/?token=plain", "Authorization: wrong", "credentials_invalid"}, // a header wins even if it is wrong
		{"/?token=plain", "", ""},
		{"/?a=1&tok%65n=pl%61in&b=2", "", ""},
		{"/?token=plain&token=plain", "", "credentials_invalid"},
		{"/?token=", "", "credentials_invalid"},
		{"/?tokens=plain", "", "credentials_missing"},
		{"/", "Cookie: a=b; session=plain; c=d", ""},
		{"/", "Cookie: session=\"plain\"", ""},
		{"/", "Cookie: xsession=plain", "credentials_missing"},
		{"/", "Sec-Websocket-Protocol: feed.v1, bearer.plain", ""},
		{"/", "Sec-Websocket-Protocol: feed.v1|Sec-Websocket-Protocol: bearer.wrong", "credentials_invalid"},
		{"/", "", "credentials_missing"},
	} {
		var fields []string
		if test.fields != "" {
			fields = strings.Split(test.fields, "|")
		}
		r := request(test.target, fields...)
		code, _, _ := admit(g, r)
		if code != test.want {
			t.Errorf("%s %s: %q, want %q", test.target, test.fields, code, test.want)
		}
		var left strings.Builder
		_ = r.Write(&left)
		if code == "credentials_missing" {
			continue // what is there stands elsewhere
		}
		for _, secret := range []string{"plain", "pl%61in", "wrong", "known", "stored"} {
			if strings.Contains(left.String(), secret) || strings.Contains(r.RequestURI, secret) {
				t.Errorf("%s %s: %q is left in the request:\n%s", test.target, test.fields, secret, left.String())
			}
		}
	}
	r := request("/?a=1&token=plain&b=2", "Cookie: a=b; session=x; c=d", "Sec-Websocket-Protocol: feed.v1, bearer.x, other")
	_, v, _ := admit(g, r)
	if v == nil || r.URL.RawQuery != "a=1&b=2" || r.Header.Get("Cookie") != "a=b; c=d" || r.Header.Get("Sec-Websocket-Protocol") != "feed.v1, other" {
		t.Errorf("%v %s %v", v, r.URL.RawQuery, r.Header)
	}
	_, v, _ = admit(g, request("/", "Authorization: stored"))
	if limit, _ := v.Claims.Get("limit"); v.Name != "token bob" || limit.Int() != 10 {
		t.Errorf("%+v", v)
	}
}

// TestAnyOf wants one of several blocks, and the most telling reason.
func TestAnyOf(t *testing.T) {
	g := newGate(t, Config{Auth: Methods{
		&Token{From: []string{"header", "query:token"}, Tokens: secrets("t")},
		&Basic{Realm: "x", Credentials: secrets("u:p")},
	}}, Limits{}, nil)
	right, wrong := request("/"), request("/")
	right.SetBasicAuth("u", "p")
	wrong.SetBasicAuth("u", "x")
	if code, _, _ := admit(g, right); code != "" {
		t.Error(code)
	}
	if code, _, _ := admit(g, request("/?token=t")); code != "" {
		t.Error(code)
	}
	_, _, refusal := admit(g, request("/"))
	if refusal.Code != "credentials_missing" || !cmp.Equal(refusal.Challenges, []string{"Bearer", `Basic realm="x", charset="UTF-8"`}) {
		t.Errorf("%+v", refusal)
	}
	if _, _, refusal := admit(g, wrong); refusal.Code != "credentials_invalid" {
		t.Errorf("%+v", refusal)
	}
}

// TestFilesAreReadAgain changes a file with credentials, for the better and for
// the worse.
func TestFilesAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.DebugLevel)
		path := string(write(t, "users", "a:one"))
		config := Config{Auth: Methods{&Basic{CredentialsFile: setting.Path(path)}}}
		g, err := config.New(Limits{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Open(zap.New(core))()
		step := func(write func() error, word, want string) {
			t.Helper()
			if err := write(); err != nil {
				t.Fatal(err)
			}
			r := request("/")
			r.SetBasicAuth("a", word)
			if code, _, _ := admit(g, r); code != want {
				t.Errorf("%s: %q, want %q", word, code, want)
			}
			time.Sleep(lookEvery)
		}
		to := func(text string) func() error {
			return func() error { return os.WriteFile(path, []byte(text), 0o600) }
		}
		step(func() error { return nil }, "one", "")
		step(to("a:other"), "other", "")
		step(to("a"), "other", "") // broken: what was there counts
		step(func() error { return nil }, "other", "")
		step(func() error { return os.Remove(path) }, "other", "")
		step(func() error { // as Kubernetes does it: a link to another file
			if err := os.WriteFile(path+"2", []byte("a:third"), 0o600); err != nil {
				return err
			}
			return os.Symlink(path+"2", path)
		}, "third", "")
		step(to("a:one"), "third", "credentials_invalid")
		if n := logs.FilterMessage("a file has changed and cannot be used, its old content stays in use").Len(); n != 2 {
			t.Errorf("%d warnings: %v", n, logs.All())
		}
		for _, line := range logs.All() {
			if text := fmt.Sprint(line.ContextMap()); strings.Contains(text, "other") {
				t.Error(text)
			}
		}
	})
}

// TestRefusalsHideCredentials sends the same secret wherever one can be.
func TestRefusalsHideCredentials(t *testing.T) {
	const secret = "hunter2"
	g := newGate(t, Config{Origins: []string{}, Auth: Methods{
		&Token{From: []string{"header", "query:token", "cookie:c", "subprotocol"}, Tokens: secrets("t")},
		&Basic{Credentials: secrets("u:p")},
		&JWT{From: []string{"header", "query:token"}, Secret: setting.SecretOf(strings.Repeat("k", 32))},
	}}, Limits{}, nil)
	basic := base64.StdEncoding.EncodeToString([]byte("u:" + secret))
	for _, r := range []*http.Request{
		request("/", "Authorization: "+secret), request("/", "Authorization: Bearer "+secret+"."+secret+"."+secret), request("/", "Authorization: Basic "+basic),
		request("/?token=" + secret), request("/", "Cookie: c="+secret), request("/", "Sec-Websocket-Protocol: bearer."+secret),
		request("/", "Origin: http://"+secret),
	} {
		_, _, refusal := admit(g, r)
		if refusal == nil {
			t.Error("admitted")
			continue
		}
		text := refusal.Error() + string(refusal.Body()) + strings.Join(refusal.Challenges, " ")
		if strings.Contains(text, secret) || strings.Contains(text, basic) {
			t.Errorf("it is in %s", text)
		}
	}
}
