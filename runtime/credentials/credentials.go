// Package credentials is how a client shows who it is: the auth block of connectors
// that connect to others, and the user in a URL, made the Authorization header of a
// request. What is secret in them is in no error.
package credentials

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Auth is an auth block of a client.
type Auth interface {
	// authorization is the value of that header field for one more request.
	authorization() (string, error)
}

// Auths are the auth blocks of a client: one at most.
type Auths []Auth

// Variants implements flow.Variants.
func (Auths) Variants() []flow.Spec[any] {
	return []flow.Spec[any]{
		{Name: "basic", Summary: "user and password, as HTTP has them", Config: func() any { return &Basic{} }},
		{Name: "token", Summary: "a token, sent as \"Bearer T\"", Config: func() any { return &Token{} }},
	}
}

// Basic is the block auth "basic" of a client.
type Basic struct {
	User            string         `hcl:"user" doc:"who this is"`
	Password        setting.Secret `hcl:"password" doc:"what shows it"`
	Credentials     setting.Secret `hcl:"credentials" doc:"in place of these, both as \"user:password\": env(\"NAME\")"`
	CredentialsFile setting.Path   `hcl:"credentials_file" doc:"in place of these, a file that has them so in its first line; it is read each time that they are needed, so that they may change"`
}

func (a *Basic) authorization() (string, error) {
	both, from := a.Credentials.Reveal(), "credentials"
	switch ways := [...]bool{a.User != "" || a.Password.Reveal() != "", both != "", a.CredentialsFile != ""}; ways {
	case [...]bool{true, false, false}:
		if strings.Contains(a.User, ":") || a.User == "" {
			return "", &setting.Error{Field: "user", Err: errors.New("a user is not empty and has no colon: it ends where the password begins")}
		}
		return basic(a.User, a.Password.Reveal()), nil
	case [...]bool{false, true, false}:
	case [...]bool{false, false, true}:
		text, err := read("credentials_file", a.CredentialsFile)
		if err != nil {
			return "", err
		}
		both, _, _ = strings.Cut(text, "\n")
		both, from = strings.TrimRight(both, "\r"), "credentials_file"
	default:
		return "", errors.New(`auth "basic" needs user and password, or one of credentials and credentials_file`)
	}
	user, password, ok := strings.Cut(both, ":")
	if !ok || user == "" || strings.ContainsAny(both, "\r\n\x00") {
		return "", &setting.Error{Field: from, Err: errors.New("these are no credentials: user:password in one line")}
	}
	return basic(user, password), nil
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// Token is the block auth "token" of a client.
type Token struct {
	Token     setting.Secret `hcl:"token" doc:"the token"`
	TokenFile setting.Path   `hcl:"token_file" doc:"file that holds the token; it is read each time that it is needed, so that it may change"`
}

// maxToken bounds a file that holds a token, in bytes.
const maxToken = 32 << 10

func (a *Token) authorization() (string, error) {
	token := a.Token.Reveal()
	if (token == "") == (a.TokenFile == "") {
		return "", errors.New(`auth "token" needs one of token and token_file`)
	}
	if a.TokenFile != "" {
		text, err := read("token_file", a.TokenFile)
		if err != nil {
			return "", err
		}
		token = strings.TrimSpace(text)
		if token == "" || len(token) > maxToken || strings.ContainsAny(token, "\r\n\x00") {
			return "", &setting.Error{Field: "token_file", Err: fmt.Errorf("%s holds no token: one line of at most 32 KiB", a.TokenFile)}
		}
	}
	if strings.ContainsAny(token, "\r\n\x00") {
		return "", &setting.Error{Field: "token", Err: errors.New("the token has a line break")}
	}
	return "Bearer " + token, nil
}

// read reads the file that an argument names.
func read(field string, path setting.Path) (string, error) {
	text, err := os.ReadFile(string(path))
	if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
		err = cause.Err
	}
	if err != nil {
		return "", &setting.Error{Field: field, Err: fmt.Errorf("cannot read %s: %w", path, err)}
	}
	return string(text), nil
}

// Check reports, as a *setting.Error, when there is more than one way in which a
// client shows who it is, or one that cannot be right. user is that of its URL, and
// headers are the fields that it sends.
func (a Auths) Check(user *url.Userinfo, headers map[string]setting.Secret) error {
	if len(a) == 0 {
		return nil
	}
	if len(a) > 1 {
		return &setting.Error{Field: "auth[1]", Err: errors.New("a client has one auth block: it shows itself in one way")}
	}
	if user != nil {
		return &setting.Error{Field: "auth[0]", Err: errors.New("the URL has a user already: leave out one of them")}
	}
	for name := range headers {
		if textproto.CanonicalMIMEHeaderKey(name) == "Authorization" {
			return &setting.Error{Field: "auth[0]", Err: errors.New("headers has an Authorization already: leave out one of them")}
		}
	}
	if _, err := a[0].authorization(); err != nil {
		return setting.Within("auth[0]", err)
	}
	return nil
}

// AddTo sets the Authorization of one more request, as the block says, or else as the
// user of the URL does, unless h has one. It may read a file, or ask a server.
func (a Auths) AddTo(h http.Header, user *url.Userinfo) error {
	if user != nil && h.Get("Authorization") == "" {
		h.Set("Authorization", BasicOf(user))
	}
	for _, auth := range a {
		authorization, err := auth.authorization()
		if err != nil {
			return err
		}
		h.Set("Authorization", authorization)
	}
	return nil
}

// BasicOf spells the user of a URL as a header field has it.
func BasicOf(user *url.Userinfo) string {
	password, _ := user.Password()
	return basic(user.Username(), password)
}
