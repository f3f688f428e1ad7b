package telemetry

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
)

// Check says what of the settings cannot be used: a *flow.FieldError for each
// argument.
func Check(s flowfile.OTLP) error {
	_, err := senderOptions(&s)
	return err
}

func senderOptions(s *flowfile.OTLP) ([]otlpmetrichttp.Option, error) {
	var wrong []error
	u, err := endpoint(s.Endpoint)
	if err != nil {
		wrong = append(wrong, &flow.FieldError{Field: "endpoint", Err: err})
	}
	headers := map[string]string{}
	for name, value := range s.Headers {
		if err := header(name, value.Reveal()); err != nil {
			wrong = append(wrong, &flow.FieldError{Field: "headers." + name, Err: err})
		}
		headers[name] = value.Reveal()
	}
	o := []otlpmetrichttp.Option{otlpmetrichttp.WithTimeout(time.Duration(s.Timeout)), otlpmetrichttp.WithCompression(otlpmetrichttp.NoCompression)}
	if s.Compression == "gzip" {
		o = append(o, otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression))
	}
	if len(headers) > 0 {
		o = append(o, otlpmetrichttp.WithHeaders(headers))
	}
	if s.TLS != nil {
		c, err := tlsfiles.Client(s.TLS)
		switch {
		case err != nil:
			wrong = append(wrong, flow.Within("tls", err))
		case u != nil && u.Scheme != "https":
			wrong = append(wrong, &flow.FieldError{Field: "tls", Err: errors.New("tls needs an endpoint that begins with https://")})
		}
		o = append(o, otlpmetrichttp.WithTLSClientConfig(c))
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return append(o, otlpmetrichttp.WithEndpointURL(u.JoinPath("v1/metrics").String())), nil
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

// environment reports whether metrics are to be sent, as the variables say that
// OpenTelemetry has defined (specification "OTLP Exporter Configuration"); here is
// whether the flow wants it. They are read once more, and used, by the exporter,
// which would print what it does not understand, secrets included: so that it does
// not come to that, they are checked before.
func environment(getenv func(string) string, here bool) (wanted bool, err error) {
	wanted = here
	var wrong []error
	refuse := func(name string, err error) { wrong = append(wrong, fmt.Errorf("%s: %w", name, err)) }
	for _, prefix := range []string{"OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_METRICS_"} {
		if text := strings.TrimSpace(getenv(prefix + "ENDPOINT")); text != "" {
			wanted = true
			if _, err := endpoint(text); err != nil {
				refuse(prefix+"ENDPOINT", err)
			}
		}
		if err := headerList(getenv(prefix + "HEADERS")); err != nil {
			refuse(prefix+"HEADERS", err)
		}
	}
	protocol, name := getenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"), "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"
	if protocol == "" {
		protocol, name = getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), "OTEL_EXPORTER_OTLP_PROTOCOL"
	}
	if protocol != "" && protocol != "http/protobuf" && !here {
		refuse(name, fmt.Errorf("flowrun speaks http/protobuf, not %s", protocol))
	}
	if !wanted || strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_METRICS_EXPORTER") == "none" {
		return false, nil
	}
	return true, errors.Join(wrong...)
}

// headerList checks "name=value,name=value", with values percent-encoded.
func headerList(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return errors.New("a header has no =: write name=value,name=value")
		}
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if err != nil {
			return errors.New("a value is not percent-encoded as it should be")
		}
		if err := header(strings.TrimSpace(name), value); err != nil {
			return err
		}
	}
	return nil
}
