package telemetry

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"

	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
)

// Check says what of the settings cannot be used: a *setting.Error for each
// argument.
func Check(s flowfile.OTLP) error {
	_, err := collectorOf(&s)
	return err
}

// collector is who takes reports.
type collector struct {
	base    *url.URL
	headers map[string]string
	timeout time.Duration
	gzip    bool
	tls     *tls.Config // nil for the usual
}

func collectorOf(s *flowfile.OTLP) (*collector, error) {
	var wrong []error
	u, err := endpoint(s.Endpoint)
	if err != nil {
		wrong = append(wrong, &setting.Error{Field: "endpoint", Err: err})
	}
	c := &collector{base: u, headers: map[string]string{}, timeout: time.Duration(s.Timeout), gzip: s.Compression == "gzip"}
	for name, value := range s.Headers {
		if err := header(name, value.Reveal()); err != nil {
			wrong = append(wrong, &setting.Error{Field: "headers." + name, Err: err})
		}
		c.headers[name] = value.Reveal()
	}
	if s.TLS != nil {
		c.tls, err = tlsfiles.Client(s.TLS)
		switch {
		case err != nil:
			wrong = append(wrong, setting.Within("tls", err))
		case u != nil && u.Scheme != "https":
			wrong = append(wrong, &setting.Error{Field: "tls", Err: errors.New("tls needs an endpoint that begins with https://")})
		}
	}
	if t := s.Traces; t != nil && t.Batch > t.Queue {
		wrong = append(wrong, &setting.Error{Field: "traces.batch", Err: fmt.Errorf("%d spans at a time are more than may wait (queue, %d)", t.Batch, t.Queue)})
	}
	return c, errors.Join(wrong...)
}

// metrics are the options of who sends metrics there.
func (c *collector) metrics() []otlpmetrichttp.Option {
	o := []otlpmetrichttp.Option{
		otlpmetrichttp.WithEndpointURL(c.base.JoinPath("v1/metrics").String()),
		otlpmetrichttp.WithTimeout(c.timeout),
		otlpmetrichttp.WithCompression(otlpmetrichttp.NoCompression),
	}
	if c.gzip {
		o = append(o, otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression))
	}
	if len(c.headers) > 0 {
		o = append(o, otlpmetrichttp.WithHeaders(c.headers))
	}
	if c.tls != nil {
		o = append(o, otlpmetrichttp.WithTLSClientConfig(c.tls))
	}
	return o
}

// traces are those of who sends traces.
func (c *collector) traces() []otlptracehttp.Option {
	o := []otlptracehttp.Option{
		otlptracehttp.WithEndpointURL(c.base.JoinPath("v1/traces").String()),
		otlptracehttp.WithTimeout(c.timeout),
		otlptracehttp.WithCompression(otlptracehttp.NoCompression),
	}
	if c.gzip {
		o = append(o, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	}
	if len(c.headers) > 0 {
		o = append(o, otlptracehttp.WithHeaders(c.headers))
	}
	if c.tls != nil {
		o = append(o, otlptracehttp.WithTLSClientConfig(c.tls))
	}
	return o
}

// endpoint is where a collector listens. What is wrong is said without the text,
// which may hold a password.
func endpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the endpoint is no URL of HTTP: write it like \"http://127.0.0.1:4318\"")
	case u.User != nil:
		return nil, errors.New("the endpoint has a user in it, which is not sent: put what shows who you are into headers")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the endpoint has a query or a fragment: it is a base URL")
	}
	return u, nil
}

var token = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$") // RFC 9110 section 5.6.2

// header says what is wrong with a header field, without its value.
func header(name, value string) error {
	if !token.MatchString(name) {
		return errors.New("a header has a name that HTTP does not allow")
	}
	if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return fmt.Errorf("the value of the header %s has a control character in it", name)
	}
	return nil
}
