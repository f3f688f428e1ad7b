package ws

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/textproto"
	"os"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// ClientAuth is an auth block of ws_client: how it shows who it is.
type ClientAuth interface {
	// authorization is the value of that header field for one more handshake.
	authorization() (string, error)
}

// ClientAuths are the auth blocks of a ws_client: one at most.
type ClientAuths []ClientAuth

// Variants implements flow.Variants.
func (ClientAuths) Variants() []flow.Spec[any] {
	return []flow.Spec[any]{
		{Name: "basic", Summary: "user and password, as HTTP has them", Config: func() any { return &BasicAuth{} }},
		{Name: "token", Summary: "a token, sent as \"Bearer T\"", Config: func() any { return &TokenAuth{} }},
	}
}

// BasicAuth is the block auth "basic" of a client.
type BasicAuth struct {
	User     string      `hcl:"user" required:"true" doc:"who this is"`
	Password flow.Secret `hcl:"password" required:"true" doc:"what shows it"`
}

func (a *BasicAuth) authorization() (string, error) {
	if strings.Contains(a.User, ":") {
		return "", &flow.FieldError{Field: "user", Err: errors.New("a user has no colon: it ends where the password begins")}
	}
	return basic(a.User, a.Password.Reveal()), nil
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// TokenAuth is the block auth "token" of a client.
type TokenAuth struct {
	Token     flow.Secret `hcl:"token" doc:"the token"`
	TokenFile flow.Path   `hcl:"token_file" doc:"file that holds the token; it is read for every connect, so that it may change"`
}

// maxToken bounds a file that holds a token, in bytes.
const maxToken = 32 << 10

func (a *TokenAuth) authorization() (string, error) {
	token := a.Token.Reveal()
	if (token == "") == (a.TokenFile == "") {
		return "", errors.New(`auth "token" needs one of token and token_file`)
	}
	if a.TokenFile != "" {
		text, err := os.ReadFile(string(a.TokenFile))
		if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
			err = cause.Err
		}
		if err != nil {
			return "", &flow.FieldError{Field: "token_file", Err: fmt.Errorf("cannot read %s: %w", a.TokenFile, err)}
		}
		token = strings.TrimSpace(string(text))
		if token == "" || len(token) > maxToken || strings.ContainsAny(token, "\r\n\x00") {
			return "", &flow.FieldError{Field: "token_file", Err: fmt.Errorf("%s holds no token: one line of at most 32 KiB", a.TokenFile)}
		}
	}
	if strings.ContainsAny(token, "\r\n\x00") {
		return "", &flow.FieldError{Field: "token", Err: errors.New("the token has a line break")}
	}
	return "Bearer " + token, nil
}

// checkAuth checks that there is one way only in which a client shows who it is.
func (c *ClientConfig) checkAuth() error {
	if len(c.Auth) == 0 {
		return nil
	}
	if len(c.Auth) > 1 {
		return &flow.FieldError{Field: "auth[1]", Err: errors.New("a ws_client has one auth block: it shows itself in one way")}
	}
	if c.URL.User != nil {
		return &flow.FieldError{Field: "auth[0]", Err: errors.New("the URL has a user already: leave out one of them")}
	}
	for name := range c.Headers {
		if textproto.CanonicalMIMEHeaderKey(name) == "Authorization" {
			return &flow.FieldError{Field: "auth[0]", Err: errors.New("headers has an Authorization already: leave out one of them")}
		}
	}
	_, err := c.Auth[0].authorization()
	if fe := (*flow.FieldError)(nil); errors.As(err, &fe) {
		return &flow.FieldError{Field: "auth[0]." + fe.Field, Err: fe.Err}
	}
	if err != nil {
		return &flow.FieldError{Field: "auth[0]", Err: err}
	}
	return nil
}
