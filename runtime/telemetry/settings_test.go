package telemetry

import (
	"errors"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		change      func(*flowfile.OTLP)
		field, says string // "" where all is well
	}{
		{func(*flowfile.OTLP) {}, "", ""},
		{func(s *flowfile.OTLP) { s.Endpoint = "127.0.0.1:4318" }, "endpoint", "no URL of HTTP"},
		{func(s *flowfile.OTLP) { s.Endpoint = "grpc://127.0.0.1:4317" }, "endpoint", "no URL of HTTP"},
		{func(s *flowfile.OTLP) { s.Endpoint = "http://me:hunter2@127.0.0.1" }, "endpoint", "has a user in it"},
		{func(s *flowfile.OTLP) { s.Endpoint = "http://127.0.0.1?key=hunter2" }, "endpoint", "has a query"},
		{func(s *flowfile.OTLP) { s.Headers = map[string]setting.Secret{"a b": {}} }, "headers.a b", "a name that HTTP does not allow"},
		{func(s *flowfile.OTLP) { s.Headers = map[string]setting.Secret{"a": setting.SecretOf("hunter2\r\n")} }, "headers.a", "a control character"},
		{func(s *flowfile.OTLP) { s.TLS = &setting.TLSClient{} }, "tls", "needs an endpoint that begins with https://"},
		{func(s *flowfile.OTLP) { s.Endpoint, s.TLS = "https://x", &setting.TLSClient{CAFile: "/nowhere"} }, "tls.cafile", "nowhere"},
	} {
		s := flowfile.OTLP{Endpoint: "http://127.0.0.1:4318"}
		s.SetDefaults()
		c.change(&s)
		err := Check(s)
		if c.field == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if fe := (*setting.Error)(nil); !errors.As(err, &fe) || fe.Field != c.field || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: want %s: %s", err, c.field, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a secret is told: %v", err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	const at = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 "
	for _, c := range []struct {
		variables string
		here      bool
		wanted    bool
		says      string // "" where all is well
	}{
		{"", false, false, ""},
		{"", true, true, ""},
		{at, false, true, ""},
		{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:4318/here", false, true, ""},
		{at + "OTEL_SDK_DISABLED=true", false, false, ""},
		{at + "OTEL_METRICS_EXPORTER=none", true, false, ""},
		{at + "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", false, true, ""},
		{at + "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", false, true, "OTEL_EXPORTER_OTLP_PROTOCOL: flowrun speaks http/protobuf"},
		{at + "OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/protobuf", false, true, ""},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://me:hunter2@[", false, true, "OTEL_EXPORTER_OTLP_ENDPOINT: the endpoint is no URL"},
		{at + "OTEL_EXPORTER_OTLP_HEADERS=a=b,c=d%20e,", false, true, ""},
		{at + "OTEL_EXPORTER_OTLP_HEADERS=a=b,hunter2", false, true, "OTEL_EXPORTER_OTLP_HEADERS: a header has no ="},
		{at + "OTEL_EXPORTER_OTLP_METRICS_HEADERS=a=hunter2%", false, true, "OTEL_EXPORTER_OTLP_METRICS_HEADERS: a value is not percent-encoded"},
		{at + "OTEL_EXPORTER_OTLP_HEADERS=a=hunter2%0A", true, true, "a control character"},
	} {
		env := map[string]string{}
		for word := range strings.FieldsSeq(c.variables) {
			name, value, _ := strings.Cut(word, "=")
			env[name] = value
		}
		var here *flowfile.OTLP
		if c.here {
			here = &flowfile.OTLP{}
		}
		want, err := environment(func(name string) string { return env[name] }, here)
		if want.metrics != c.wanted || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v: want %v, %s", c.variables, want.metrics, err, c.wanted, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a secret is told: %v", err)
		}
	}
}
