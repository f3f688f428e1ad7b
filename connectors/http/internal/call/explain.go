package call

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"

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
	return &Failed{Again: again, why: c.what(q) + ": " + c.hide(why, q)}
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

// hide takes the secrets, those of the request among them, out of a text that somebody
// else has made.
func (c *Caller) hide(text string, q *Request) string {
	all := slices.Clip(c.Secrets)
	all.AddRequest(q.URL, q.Header)
	return all.Hide(text)
}
