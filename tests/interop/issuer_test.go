package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// issuer signs tokens, and publishes the key that proves it.
type issuer struct {
	*httptest.Server
	key, forger *ecdsa.PrivateKey // the second is published by nobody
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{key: newKey(t), forger: newKey(t)}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		point, err := i.key.PublicKey.Bytes() // 4, x, y
		if err != nil {
			t.Error(err)
		}
		x, y := point[1:33], point[33:]
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{
			"kty": "EC", "crv": "P-256", "kid": "today", "use": "sig", "alg": "ES256",
			"x": base64.RawURLEncoding.EncodeToString(x),
			"y": base64.RawURLEncoding.EncodeToString(y),
		}}}) // who does not get it complains
	}))
	t.Cleanup(i.Close)
	return i
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// leeway is how much longer than they say flowrun takes tokens for good.
const leeway = 10 * time.Second

// issue answers a page with a token of the kind that it asks for.
func (i *issuer) issue(w http.ResponseWriter, r *http.Request) {
	kind, err := io.ReadAll(r.Body)
	if err != nil {
		return // the page hears of that
	}
	token, err := i.token(string(kind))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(w, token) // and of that
}

func (i *issuer) token(kind string) (string, error) {
	key, audience, lasts := i.key, "live", time.Hour
	switch kind {
	case "valid":
	case "short":
		lasts = 10*time.Second - leeway
	case "expired":
		lasts = -time.Second - leeway
	case "for others":
		audience = "dead"
	case "forged":
		key = i.forger
	default:
		return "", fmt.Errorf("there is no kind %q", kind)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"sub": "mira", "aud": audience, "exp": time.Now().Add(lasts).Unix()})
	token.Header["kid"] = "today"
	return token.SignedString(key)
}
