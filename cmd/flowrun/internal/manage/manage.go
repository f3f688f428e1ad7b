// Package manage asks the admin API of a running process, for the commands of an
// operator, and prints what it says.
package manage

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/flowrun/flowrun/runtime/admin"
	"github.com/flowrun/flowrun/runtime/setting"
)

const maxAnswer = 16 << 20

// Client asks one process. It may be copied.
type Client struct {
	URL   string         // "http://127.0.0.1:8686"
	Token setting.Secret // that of "" is none
	TLS   *tls.Config    // of https
}

// Status says how the process is doing. Where the API wants a token and the client
// has none, that is the readiness alone.
func (c Client) Status(ctx context.Context) (s admin.Status, err error) {
	err = c.ask(ctx, http.MethodGet, "/api/v1/status", &s, http.StatusOK)
	if refused := (*refusal)(nil); errors.As(err, &refused) && refused.code == "credentials_missing" {
		err = c.ask(ctx, http.MethodGet, "/readyz", &s.Readiness, http.StatusOK, http.StatusServiceUnavailable)
	}
	return s, err
}

// Reload has the process read its flows again.
func (c Client) Reload(ctx context.Context) (done admin.Reloaded, err error) {
	err = c.ask(ctx, http.MethodPost, "/api/v1/reload", &done, http.StatusOK)
	return done, err
}

// Drain begins the graceful end of the process.
func (c Client) Drain(ctx context.Context) (now admin.Draining, err error) {
	err = c.ask(ctx, http.MethodPost, "/api/v1/drain", &now, http.StatusAccepted)
	return now, err
}

// ask sends a request and decodes the answer, whose status is one of those
// expected; any other answer is the error.
func (c Client) ask(ctx context.Context, method, path string, to any, expected ...int) error {
	answer, err := c.Do(ctx, method, path, nil)
	if err != nil {
		return err
	}
	return c.read(answer, to, expected...)
}

// read decodes an answer, whose status is one of those expected.
func (c Client) read(answer *http.Response, to any, expected ...int) error {
	defer answer.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return c.unreachable(err)
	}
	if slices.Contains(expected, answer.StatusCode) && json.Unmarshal(body, to) == nil {
		return nil
	}
	return c.refused(answer, body)
}

// Do sends a request, with a body of JSON unless it is nil, and returns the answer,
// whatever its status is. The caller closes its body.
func (c Client) Do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body) // of our own types
	}
	r, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%q is no address: write host and port, like 127.0.0.1:8686, or a URL", c.URL)
	}
	if token := c.Token.Reveal(); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, TLSClientConfig: c.TLS}, // and no proxy: it is near
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, c.unreachable(err)
	}
	return answer, nil
}

// refused says what an answer means that is not the one asked for.
func (c Client) refused(answer *http.Response, body []byte) error {
	var problem admin.Error
	if json.Unmarshal(body, &problem) != nil || problem.Code == "" {
		hint := ""
		if strings.HasPrefix(string(body), "Client sent an HTTP request to an HTTPS server") { // as net/http says it
			hint = ": does it have TLS, and is it to be https://?"
		}
		return fmt.Errorf("%s answers %s, and not as an admin API of flowrun does%s", c.URL, answer.Status, hint)
	}
	return &refusal{problem.Code, problem.Message}
}

func (c Client) unreachable(err error) error {
	unknown, otherName, plain := (*tls.CertificateVerificationError)(nil), x509.HostnameError{}, tls.RecordHeaderError{}
	switch address := c.URL[strings.LastIndexByte(c.URL, '/')+1:]; {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the admin API at %s does not answer", address)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens at %s: is it running, with `flowrun server run --admin %[1]s`?", address)
	case errors.As(err, &otherName):
		return fmt.Errorf("the admin API at %s has the certificate of another host: %w", address, otherName)
	case errors.As(err, &unknown):
		return fmt.Errorf("the admin API at %s has a certificate that is not trusted: give its authority by --ca (%w)", address, unknown.Err)
	case errors.As(err, &plain):
		return fmt.Errorf("the admin API at %s speaks no TLS: write http:// instead of https://", address)
	default:
		return fmt.Errorf("the admin API at %s cannot be reached: %w", address, err)
	}
}

// refusal is an answer that is not what was asked for.
type refusal struct{ code, message string }

func (r *refusal) Error() string {
	switch r.code {
	case "credentials_missing":
		return "the admin API wants a token: give --token-file, or " + TokenVariable + " in the environment"
	case "credentials_invalid":
		return "the admin API does not know the token"
	}
	return r.message
}

// TokenVariable is the environment variable that holds a token of the admin API:
// for the process that serves it, and for those that ask.
const TokenVariable = "FLOWRUN_ADMIN_TOKEN"

// TokenOf takes a token from the first line of a file that has one, or, without a
// file, from the environment.
func TokenOf(file string) (token setting.Secret, err error) {
	if file == "" {
		return setting.SecretOf(os.Getenv(TokenVariable)), nil
	}
	in, err := os.Open(file)
	if err != nil {
		return token, err
	}
	defer in.Close() //nolint:errcheck // it was only read
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && line[0] != '#' {
			return setting.SecretOf(line), nil
		}
	}
	if err := lines.Err(); err != nil {
		return token, fmt.Errorf("cannot read %s: %w", file, err)
	}
	return token, fmt.Errorf("there is no token in %s", file)
}
