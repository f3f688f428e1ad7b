package access

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/golang-jwt/jwt/v5"
)

func contextThatEnds() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx, cancel
}

// sign makes a token with the claims, which are good for an hour if they do not
// say it themselves.
func sign(t *testing.T, method jwt.SigningMethod, key any, kid string, claims jwt.MapClaims) string {
	t.Helper()
	if claims == nil {
		claims = jwt.MapClaims{}
	}
	if _, given := claims["exp"]; !given {
		claims["exp"] = time.Now().Add(time.Hour).Unix()
	}
	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func jwtConfig(change func(*JWT)) *JWT {
	c := newJWT().(*JWT)
	change(c)
	return c
}

func publicPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

var longSecret = strings.Repeat("k", 32)

func TestJWT(t *testing.T) {
	g := newGate(t, Config{Auth: Methods{jwtConfig(func(c *JWT) {
		c.Secret, c.Issuer, c.Audience = setting.SecretOf(longSecret), "us", "live"
	})}}, Limits{}, nil)
	good := func(more jwt.MapClaims) jwt.MapClaims {
		c := jwt.MapClaims{"iss": "us", "aud": []string{"other", "live"}, "sub": "alice", "roles": []string{"a"}, "n": 1.5}
		for k, v := range more {
			c[k] = v
		}
		return c
	}
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	hs := func(more jwt.MapClaims) string {
		return sign(t, jwt.SigningMethodHS256, []byte(longSecret), "", good(more))
	}
	exp := ago(-time.Minute)
	noExpiry := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "us", "aud": "live"})
	unlimited, _ := noExpiry.SignedString([]byte(longSecret))
	critical := jwt.NewWithClaims(jwt.SigningMethodHS256, good(jwt.MapClaims{"exp": exp}))
	critical.Header["crit"] = []string{"x"}
	asks, _ := critical.SignedString([]byte(longSecret))
	whole := hs(nil)
	for name, test := range map[string]struct{ token, want, reason string }{
		"good":                 {whole, "", ""},
		"HS512":                {sign(t, jwt.SigningMethodHS512, []byte(longSecret), "", good(nil)), "", ""},
		"within the leeway":    {hs(jwt.MapClaims{"exp": ago(5 * time.Second)}), "", ""},
		"expired":              {hs(jwt.MapClaims{"exp": ago(time.Minute)}), "token_expired", "the token has expired"},
		"not yet":              {hs(jwt.MapClaims{"nbf": ago(-time.Minute)}), "credentials_invalid", "the token is not valid yet"},
		"issued in the future": {hs(jwt.MapClaims{"iat": ago(-time.Minute)}), "credentials_invalid", "the token was issued in the future"},
		"another issuer":       {hs(jwt.MapClaims{"iss": "them"}), "credentials_invalid", "the token is by another issuer"},
		"another audience":     {hs(jwt.MapClaims{"aud": "other"}), "credentials_invalid", "the token is for another audience"},
		"no expiry":            {unlimited, "credentials_invalid", "the token lacks a claim that is asked for"},
		"another key":          {sign(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), "", good(nil)), "credentials_invalid", "the token's signature is wrong, or by an algorithm that does not fit the key"},
		"forged and expired":   {sign(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), "", good(jwt.MapClaims{"exp": ago(time.Hour)})), "credentials_invalid", "the token's signature is wrong, or by an algorithm that does not fit the key"},
		"none":                 {sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", good(nil)), "credentials_invalid", "the token's signature is wrong, or by an algorithm that does not fit the key"},
		"crit":                 {asks, "credentials_invalid", "the token asks for an extension that is not known"},
		"cut":                  {whole[:len(whole)-2], "credentials_invalid", ""},
		"garbage":              {"a.b.c", "credentials_invalid", "the token is no JWT, or broken"},
		"two parts":            {"a.b", "credentials_invalid", "the token is no JWT, or broken"},
	} {
		code, v, refusal := admit(g, request("/", "Authorization: Bearer "+test.token))
		if code != test.want || refusal != nil && test.reason != "" && refusal.Reason != test.reason {
			t.Errorf("%s: %q %v", name, code, refusal)
		}
		if name == "good" && v != nil {
			roles, _ := v.Claims.Get("roles")
			n, _ := v.Claims.Get("n")
			if v.Name != "jwt us\nalice" || len(roles.List()) != 1 || n.Float() != 1.5 || time.Until(v.Expires) < time.Hour {
				t.Errorf("%+v", v.Identity)
			}
		}
	}
}

// TestAlgorithmsFitTheirKeys tries every kind of key with every algorithm:
// none but its own, and above all not as a shared secret.
func TestAlgorithmsFitTheirKeys(t *testing.T) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	e384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	for i, key := range []crypto.Signer{r, e, e384, ed} {
		public := publicPEM(t, key.Public())
		g := newGate(t, Config{Auth: Methods{jwtConfig(func(c *JWT) { c.PublicKey = write(t, "key.pem", public) })}}, Limits{}, nil)
		for _, s := range []struct {
			method jwt.SigningMethod
			key    any
			fits   int
		}{
			{jwt.SigningMethodRS256, r, 0}, {jwt.SigningMethodPS512, r, 0}, {jwt.SigningMethodES256, e, 1}, {jwt.SigningMethodES384, e384, 2},
			{jwt.SigningMethodEdDSA, ed, 3}, {jwt.SigningMethodHS256, []byte(public), -1}, {jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, -1},
		} {
			code, _, _ := admit(g, request("/", "Authorization: Bearer "+sign(t, s.method, s.key, "", nil)))
			if (code == "") != (s.fits == i) {
				t.Errorf("key %d, %s: %q", i, s.method.Alg(), code)
			}
		}
	}
	only := newGate(t, Config{Auth: Methods{jwtConfig(func(c *JWT) {
		c.PublicKey, c.Algorithms = write(t, "key.pem", publicPEM(t, r.Public())), []string{"RS512"}
	})}}, Limits{}, nil)
	if code, _, _ := admit(only, request("/", "Authorization: "+sign(t, jwt.SigningMethodRS256, r, "", nil))); code == "" {
		t.Error("RS256 is accepted where algorithms says RS512")
	}
}

// publisher is an endpoint that publishes keys.
type publisher struct {
	keys  atomic.Pointer[[]byte] // nil: it is down
	asked atomic.Int64
	*httptest.Server
}

func newPublisher(t *testing.T) *publisher {
	p := &publisher{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.asked.Add(1)
		if body := p.keys.Load(); body != nil {
			_, _ = w.Write(*body)
			return
		}
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) publish(t *testing.T, keys map[string]any) {
	t.Helper()
	set := jwkset.JWKSMarshal{}
	for kid, key := range keys {
		jwk, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid}})
		if err != nil {
			t.Fatal(err)
		}
		set.Keys = append(set.Keys, jwk.Marshal())
	}
	body, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	p.keys.Store(&body)
}

func TestKeySets(t *testing.T) {
	p := newPublisher(t)
	one, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	two, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	u := endpoint.URL{}
	if err := u.UnmarshalText([]byte(p.URL + "/jwks.json")); err != nil {
		t.Fatal(err)
	}
	open := func(refresh, cooldown time.Duration) *Gate {
		return newGate(t, Config{Auth: Methods{jwtConfig(func(c *JWT) {
			c.JWKSURL, c.JWKSRefresh, c.JWKSCooldown = u, setting.Duration(refresh), setting.Duration(cooldown)
		})}}, Limits{}, nil)
	}
	try := func(g *Gate, key any, kid string) string {
		t.Helper()
		code, _, _ := admit(g, request("/", "Authorization: "+sign(t, jwt.SigningMethodES256, key, kid, nil)))
		return code
	}
	// The endpoint is down: nobody can be checked. It is asked once, for all
	// that are waiting.
	down := open(time.Hour, time.Hour)
	for range 3 {
		if code := try(down, one, "1"); code != "auth_unavailable" {
			t.Errorf("without keys: %q", code)
		}
	}
	if n := p.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	// It is up: the first handshake waits for the keys.
	p.publish(t, map[string]any{"1": one.Public()})
	g := open(time.Hour, time.Nanosecond)
	if code := try(g, one, "1"); code != "" {
		t.Errorf("with keys: %q", code)
	}
	if code := try(g, one, ""); code != "" {
		t.Errorf("a token that names no key: %q", code)
	}
	// Another key is published, and found when a token names it.
	p.publish(t, map[string]any{"1": one.Public(), "2": two.Public()})
	if code := try(g, two, "2"); code != "" {
		t.Errorf("a new key: %q", code)
	}
	if code := try(g, one, "2"); code != "credentials_invalid" {
		t.Errorf("the wrong key: %q", code)
	}
	// The endpoint goes down: what is known stays in use.
	p.keys.Store(nil)
	if code := try(g, two, "3"); code != "credentials_invalid" {
		t.Errorf("an unknown key: %q", code)
	}
	if code := try(g, two, "2"); code != "" {
		t.Errorf("while it is down: %q", code)
	}
	// Tokens that name unknown keys make it ask once per cooldown.
	p.publish(t, map[string]any{"1": one.Public()})
	slow := open(time.Hour, time.Hour)
	_ = try(slow, one, "1")
	before := p.asked.Load()
	for range 20 {
		if code := try(slow, two, "9"); code != "credentials_invalid" {
			t.Errorf("unknown key: %q", code)
		}
	}
	if n := p.asked.Load() - before; n != 0 {
		t.Errorf("asked %d times in the cooldown", n)
	}
}
