package call

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Why an answer is not taken that has come.
var (
	errTooLong     = errors.New("the answer is longer than max_message")
	errManyTimes   = errors.New("it redirects more often than max_redirects")
	errElsewhere   = errors.New("it redirects to another host, which might be told what is for this one")
	errUnprotected = errors.New("it redirects from https to http")
)

// explain makes one sentence of why there is no answer. net/http's error repeats the
// URL, in which there may be secrets.
func (c *Caller) explain(ctx, inner context.Context, q *Request, err error) error {
	if ue := (*url.Error)(nil); errors.As(err, &ue) {
		err = ue.Err
	}
	again := true
	var why string
	op, cert := (*net.OpError)(nil), (*tls.CertificateVerificationError)(nil)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", c.what(q), context.Cause(ctx))
	case c.Until.Err() != nil:
		return fmt.Errorf("%s: %w", c.what(q), flow.ErrClosed)
	case inner.Err() != nil:
		why = fmt.Sprintf("no answer within timeout (%s)", c.Timeout)
	case errors.Is(err, errTooLong), errors.Is(err, errManyTimes), errors.Is(err, errElsewhere), errors.Is(err, errUnprotected):
		why, again = err.Error(), false
	case errors.As(err, &op) && op.Op == "dial" && op.Timeout():
		why = "no connection within connect_timeout"
	case errors.As(err, &op):
		why = op.Err.Error()
	case errors.As(err, &cert):
		why = "the server's certificate is not trusted: " + cert.Err.Error()
	default:
		why = last(err).Error()
	}
	return &Failed{Again: again, why: c.what(q) + ": " + c.Secrets.hide(why, q)}
}

// what says what was tried.
func (c *Caller) what(q *Request) string { return q.Method + " " + c.Name }

// last returns the innermost cause.
func last(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// Secrets are texts that are shown to nobody.
type Secrets []string

// maxShown bounds what is shown of what others have said, in bytes.
const maxShown = 300

// shortest is the shortest text that can be a secret: shorter ones are in any text.
const shortest = 4

// Add adds texts.
func (s *Secrets) Add(texts ...string) {
	for _, text := range texts {
		if len(text) >= shortest {
			*s = append(*s, text)
		}
	}
}

// hide takes the secrets, those of the request among them, out of a text that somebody
// else has made.
func (s Secrets) hide(text string, q *Request) string {
	all := s[:len(s):len(s)]
	for _, values := range q.Header {
		all.Add(values...)
	}
	for _, values := range q.URL.Query() {
		all.Add(values...)
	}
	all.Add(q.URL.RawQuery)
	for _, secret := range all {
		text = strings.ReplaceAll(text, secret, "(secret)")
	}
	if len(text) > maxShown {
		text = text[:maxShown] + "…"
	}
	return text
}
