package call

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/flowrun/flowrun/runtime/credentials"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/waits"
)

// Request is one to be made, maybe several times.
type Request struct {
	Method string
	URL    *url.URL
	Host   string // the header field; that of URL when it is empty
	Header http.Header
	Body   []byte // none when it is empty; it is not used any more when Call returns
	// Deaf says that nobody wants the body of the answer.
	Deaf bool
}

// Caller makes requests. Its methods may be called from any goroutine.
type Caller struct {
	Client   *http.Client
	Name     string // of the target, for errors
	Timeout  time.Duration
	MaxBody  setting.Size
	Statuses *Statuses
	Waits    waits.Terms   // between attempts, and how many
	MaxAfter time.Duration // the longest wait that a server may ask for
	Secrets  credentials.Secrets
	Until    context.Context // its end is that of all requests
	// Patience is how long requests are made again: its end is that of every wait for
	// another attempt.
	Patience context.Context
	// Failing is told, where it is not nil, of each attempt that will be followed by
	// another one.
	Failing func(err error, wait time.Duration)
}

// Call makes a request, again while that makes sense. Without an error, the answer is
// a success, and to be released. Its end is also that of ctx.
func (c *Caller) Call(ctx context.Context, q *Request) (Answer, error) {
	var between *waits.Waits
	for attempt := 1; ; attempt++ {
		answer, err := c.Once(ctx, q)
		failed := (*Failed)(nil)
		switch {
		case err == nil:
			return answer, nil
		case !errors.As(err, &failed), !failed.Again:
			return answer, err
		case attempt == c.Waits.MaxRetries:
			return answer, fmt.Errorf("%w, after %d attempts", err, attempt)
		}
		if between == nil {
			between = waits.New(c.Waits)
		}
		wait := max(between.Next(), min(failed.After, c.MaxAfter))
		if c.Failing != nil {
			c.Failing(err, wait)
		}
		if !c.sleep(ctx, wait) {
			if c.Patience.Err() != nil {
				err = fmt.Errorf("%w, and %w", err, flow.ErrClosed)
			}
			return answer, fmt.Errorf("%w, and there is no time to try again", err)
		}
	}
}

// Failed is why a request was not answered as it should be.
type Failed struct {
	Status int           // 0 when there was no answer
	Again  bool          // it may be tried again
	After  time.Duration // the wait that the server has asked for
	why    string
}

// Error describes it.
func (f *Failed) Error() string { return f.why }

// Once makes a request once. An error is a *Failed, or that of ctx.
func (c *Caller) Once(ctx context.Context, q *Request) (Answer, error) {
	inner, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	defer context.AfterFunc(c.Until, cancel)()
	body := message{data: q.Body}
	defer body.end()
	r := (&http.Request{Method: q.Method, URL: q.URL, Host: cmp.Or(q.Host, q.URL.Host), Header: q.Header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(inner)
	body.attach(r)
	resp, err := c.Client.Do(r)
	if err != nil {
		return Answer{}, c.explain(ctx, inner, q, err)
	}
	defer func() { _ = resp.Body.Close() }() // what has come is there
	a := Answer{Status: resp.StatusCode, Header: resp.Header, Deaf: q.Deaf}
	worth := c.Statuses.of(a.Status)
	if worth != Success || q.Deaf {
		err = c.discard(resp, worth)
	} else {
		err = a.read(resp.Body, int64(c.MaxBody))
	}
	if err != nil && worth == Success {
		a.Release()
		return Answer{}, c.explain(ctx, inner, q, err)
	}
	if worth == Success {
		return a, nil
	}
	return a, &Failed{Status: a.Status, Again: worth == Again, After: after(a.Header), why: c.what(q) + ": the answer is " + status(a.Status)}
}

// maxDiscarded is how much is read of a body that nobody wants, so that its connection
// can be used again.
const maxDiscarded = 64 << 10

func (c *Caller) discard(resp *http.Response, worth Worth) error {
	limit := int64(maxDiscarded)
	if worth == Success {
		limit = max(limit, int64(c.MaxBody))
	}
	_, err := io.CopyN(io.Discard, resp.Body, limit)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func status(code int) string {
	if text := http.StatusText(code); text != "" {
		return strconv.Itoa(code) + " " + text
	}
	return strconv.Itoa(code)
}

// after reads Retry-After (RFC 9110 section 10.2.3); 0 where there is none.
func after(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// sleep reports whether it lasted until its end.
func (c *Caller) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-c.Patience.Done():
		return false
	}
}
