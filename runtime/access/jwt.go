package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime/access/internal/keys"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"
)

// JWT is the block auth "jwt".
type JWT struct {
	From          []string           `hcl:"from" doc:"where the token is, as in auth \"token\""`
	Secret        setting.Secret     `hcl:"secret" doc:"the key of tokens signed by HS256, HS384 or HS512; at least 32 bytes"`
	PublicKey     setting.Path       `hcl:"public_key" doc:"PEM file with the key, or the certificate, of who signs: RSA (RS and PS algorithms), ECDSA (ES) or Ed25519 (EdDSA). It is read again when it changes"`
	JWKSURL       endpoint.URL       `hcl:"jwks_url" doc:"where the keys of who signs are published as a JSON Web Key Set; https, or http on this machine"`
	JWKSRefresh   setting.Duration   `hcl:"jwks_refresh" min:"1s" doc:"how old the keys may be before they are fetched again, in the background"`
	JWKSCooldown  setting.Duration   `hcl:"jwks_cooldown" min:"10ms" doc:"time between two fetches, also when a token names an unknown key"`
	JWKSTimeout   setting.Duration   `hcl:"jwks_timeout" min:"10ms" doc:"how long a fetch may take, and how long a handshake waits for it when there is no key yet"`
	TLS           *setting.TLSClient `hcl:"tls" doc:"whom to trust as jwks_url"`
	Algorithms    []string           `hcl:"algorithms" doc:"the only ones accepted, like [\"RS256\"]. Without it, all that fit the kind of key; \"none\" never"`
	Issuer        string             `hcl:"issuer" doc:"what the claim iss must be"`
	Audience      string             `hcl:"audience" doc:"what the claim aud must be or hold"`
	Leeway        setting.Duration   `hcl:"leeway" doc:"how much clocks may differ"`
	RequireExpiry bool               `hcl:"require_expiry" doc:"a token without exp is refused"`
}

func newJWT() any {
	return &JWT{
		From:          []string{"header"},
		JWKSRefresh:   setting.Duration(15 * time.Minute),
		JWKSCooldown:  setting.Duration(5 * time.Second),
		JWKSTimeout:   setting.Duration(3 * time.Second),
		Leeway:        setting.Duration(10 * time.Second),
		RequireExpiry: true,
	}
}

// minSecret is what RFC 7518 section 3.2 asks for, in bytes.
const minSecret = 32

func (c *JWT) open(*setting.TLSServer) (verifier, error) {
	t := &tokenReader{require: c.RequireExpiry, leeway: time.Duration(c.Leeway)}
	var problems []error
	note := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	var err error
	t.from, err = parseFrom(c.From)
	note(err)
	secret := c.Secret.Reveal()
	given := 0
	for _, is := range []bool{secret != "", c.PublicKey != "", !c.JWKSURL.IsZero()} {
		if is {
			given++
		}
	}
	switch {
	case given == 0:
		note(errors.New(`auth "jwt" needs one of secret, public_key and jwks_url: the key that tokens are signed with`))
	case given > 1:
		note(errors.New(`auth "jwt" takes one of secret, public_key and jwks_url, and there are several: write a block for each`))
	}
	if secret != "" && len(secret) < minSecret {
		note(fieldError("secret", "secret has less than %d bytes: whoever has a token could guess it", minSecret))
	}
	fits := keys.Asymmetric
	switch {
	case secret != "":
		t.keys, fits = keys.Shared(secret), keys.Symmetric
	case c.PublicKey != "":
		f, err := openFile("public_key", c.PublicKey, keys.ParsePublic)
		note(err)
		t.keys = keys.File{Get: f.get, Watch: f.start}
	case !c.JWKSURL.IsZero():
		t.keys, err = keys.NewSet(keys.Options{
			URL: c.JWKSURL, TLS: c.TLS,
			Refresh: time.Duration(c.JWKSRefresh), Cooldown: time.Duration(c.JWKSCooldown), Timeout: time.Duration(c.JWKSTimeout),
		})
		note(err)
	}
	for i, a := range c.Algorithms {
		if !slices.Contains(fits, a) {
			note(fieldError(fmt.Sprintf("algorithms[%d]", i), "algorithms: %q is not one of %s, which fit the key", a, strings.Join(fits, ", ")))
		}
	}
	if len(c.Algorithms) > 0 {
		fits = c.Algorithms
	}
	options := []jwt.ParserOption{jwt.WithValidMethods(fits), jwt.WithLeeway(t.leeway), jwt.WithJSONNumber(), jwt.WithIssuedAt()}
	if c.Issuer != "" {
		options = append(options, jwt.WithIssuer(c.Issuer))
	}
	if c.Audience != "" {
		options = append(options, jwt.WithAudience(c.Audience))
	}
	if c.RequireExpiry {
		options = append(options, jwt.WithExpirationRequired())
	}
	t.parser = jwt.NewParser(options...)
	return t, errors.Join(problems...)
}

// tokenReader is auth "jwt" at work.
type tokenReader struct {
	from    from
	keys    keys.Source
	parser  *jwt.Parser
	require bool
	leeway  time.Duration
}

func (t *tokenReader) start(ctx context.Context, log *zap.Logger) { t.keys.Start(ctx, log) }

func (t *tokenReader) conceal(r *http.Request) { t.from.conceal(r) }

var errCritical = errors.New("crit")

func (t *tokenReader) verify(r *http.Request) (Identity, *Refusal) {
	text, refusal := t.from.find(r)
	if refusal != nil {
		return Identity{}, refusal
	}
	claims := jwt.MapClaims{}
	_, err := t.parser.ParseWithClaims(text, claims, func(token *jwt.Token) (any, error) {
		if _, critical := token.Header["crit"]; critical {
			return nil, errCritical // RFC 7515 section 4.1.11: what is not understood is not accepted
		}
		kid, _ := token.Header["kid"].(string)
		found, err := t.keys.Find(r.Context(), kid, token.Method.Alg())
		if err != nil {
			return nil, err
		}
		return jwt.VerificationKeySet{Keys: found}, nil
	})
	if err != nil {
		return Identity{}, explain(err)
	}
	id := Identity{Claims: valueOf(map[string]any(claims)).Object()}
	if exp, err := claims.GetExpirationTime(); err == nil && exp != nil {
		id.Expires, id.Expired = exp.Add(t.leeway), "token expired"
	}
	iss, _ := claims.GetIssuer()
	sub, _ := claims.GetSubject()
	if sub == "" { // of nobody in particular: the token is the identity
		digest := sha256.Sum256([]byte(text))
		sub = string(digest[:])
	}
	id.Name = "jwt " + iss + "\n" + sub
	return id, nil
}

// explain makes a refusal of an error of the library, whose own text may hold
// parts of the token.
func explain(err error) *Refusal {
	if errors.Is(err, keys.ErrNone) {
		return &Refusal{
			Status: http.StatusServiceUnavailable, Code: codeUnavailable, Message: "tokens cannot be checked at the moment",
			Reason: "there are no keys of jwks_url yet", RetryAfter: retryAfter,
		}
	}
	reason := "the token is no JWT, or broken"
	for _, known := range []struct {
		err  error
		text string
	}{
		{keys.ErrUnknown, "the token is signed with an unknown key"},
		{errCritical, "the token asks for an extension that is not known"},
		{jwt.ErrTokenSignatureInvalid, "the token's signature is wrong, or by an algorithm that does not fit the key"},
		{jwt.ErrTokenExpired, "the token has expired"},
		{jwt.ErrTokenNotValidYet, "the token is not valid yet"},
		{jwt.ErrTokenUsedBeforeIssued, "the token was issued in the future"},
		{jwt.ErrTokenInvalidIssuer, "the token is by another issuer"},
		{jwt.ErrTokenInvalidAudience, "the token is for another audience"},
		{jwt.ErrTokenRequiredClaimMissing, "the token lacks a claim that is asked for"},
	} {
		if errors.Is(err, known.err) {
			reason = known.text
			break
		}
	}
	refusal := invalid(reason, bearerChallenge+` error="invalid_token"`)
	if errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
		refusal.Code, refusal.Message = codeExpired, "the token has expired"
	}
	return refusal
}
