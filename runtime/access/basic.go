package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// Basic is the block auth "basic".
type Basic struct {
	Credentials     []setting.Secret `hcl:"credentials" single:"true" doc:"users, each as \"user:password\". A password may be hashed: bcrypt, as htpasswd -B writes it, for passwords that people choose, which costs tens of milliseconds until a client has shown the right one once; or {SHA256} and the digest in hex or base64, for long random ones. One from the environment: env(\"NAME\")"`
	CredentialsFile setting.Path     `hcl:"credentials_file" doc:"file with a line for each user, in the same form; lines that begin with # are comments. It is read again when it changes"`
	Realm           string           `hcl:"realm" doc:"what browsers say that the password is for"`
}

func (b *Basic) open(*setting.TLSServer) (verifier, error) {
	v := &basic{challenge: fmt.Sprintf(`Basic realm="%s", charset="UTF-8"`, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(b.Realm))}
	var problems []error
	if strings.ContainsFunc(b.Realm, func(r rune) bool { return r < ' ' || r > '~' }) {
		problems = append(problems, fieldError("realm", "realm must be printable ASCII"))
	}
	if len(b.Credentials) == 0 && b.CredentialsFile == "" {
		problems = append(problems, errors.New(`auth "basic" needs credentials or credentials_file: nobody could connect`))
	}
	v.users = users{by: map[string]password{}}
	for i, c := range b.Credentials {
		if err := v.users.add(c.Reveal()); err != nil {
			problems = append(problems, fieldError(fmt.Sprintf("credentials[%d]", i), "credentials[%d]: %w", i, err))
		}
	}
	if b.CredentialsFile != "" {
		var err error
		if v.file, err = openFile("credentials_file", b.CredentialsFile, parseUsers); err != nil {
			problems = append(problems, err)
		}
	}
	return v, errors.Join(problems...)
}

// hashWait is how long a handshake waits for its turn to compute a hash.
const hashWait = 3 * time.Second

// basic is auth "basic" at work (RFC 7617).
type basic struct {
	users     users
	file      *file[users] // nil without one
	challenge string
}

func (b *basic) start(_ context.Context, log *zap.Logger) {
	if b.file != nil {
		b.file.start(log)
	}
}

func (b *basic) conceal(r *http.Request) { r.Header.Del("Authorization") }

func (b *basic) verify(r *http.Request) (Identity, *Refusal) {
	if len(r.Header["Authorization"]) != 1 {
		return Identity{}, missing("there is no Authorization header, or several", b.challenge)
	}
	user, word, ok := r.BasicAuth()
	if !ok {
		return Identity{}, invalid("the Authorization header is not that of a user and password", b.challenge)
	}
	tables := []users{b.users}
	if b.file != nil {
		tables = append(tables, b.file.get())
	}
	ctx, cancel := context.WithTimeout(r.Context(), hashWait)
	defer cancel()
	right, err := check(ctx, tables, user, word)
	switch {
	case err != nil:
		return Identity{}, &Refusal{
			Status: http.StatusServiceUnavailable, Code: codeUnavailable, Message: "passwords cannot be checked at the moment",
			Reason: "too many passwords are being checked", RetryAfter: retryAfter,
		}
	case !right:
		return Identity{}, invalid("the user or the password is wrong", b.challenge)
	}
	return Identity{
		Claims: flow.ObjectOf(flow.Field{Key: "sub", Value: flow.TextOf(user)}),
		Name:   "basic " + user,
	}, nil
}
