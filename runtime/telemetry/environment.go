package telemetry

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/flowfile"
)

// wanted says what is to be sent.
type wanted struct {
	metrics bool
	traces  *flowfile.Traces // nil for none
}

// environment says what is to be sent, as the variables say that OpenTelemetry has
// defined (specification "OTLP Exporter Configuration" and "Environment Variable
// Specification"); here is what the flow wants, nil where it says nothing. The
// variables are read once more, and used, by the exporters, which would print what
// they do not understand, secrets included: so that it does not come to that, they are
// checked before.
//
// Metrics cost next to nothing and are sent when a collector is named; traces are to
// be asked for.
func environment(getenv func(string) string, here *flowfile.OTLP) (want wanted, err error) {
	var wrong []error
	refuse := func(name string, err error) { wrong = append(wrong, fmt.Errorf("%s: %w", name, err)) }
	named := func(of string) bool {
		prefix := "OTEL_EXPORTER_OTLP_" + of
		if err := headerList(getenv(prefix + "HEADERS")); err != nil {
			refuse(prefix+"HEADERS", err)
		}
		text := strings.TrimSpace(getenv(prefix + "ENDPOINT"))
		if text == "" {
			return false
		}
		if _, err := endpoint(text); err != nil {
			refuse(prefix+"ENDPOINT", err)
		}
		return true
	}
	speaks := func(of string) {
		name := "OTEL_EXPORTER_OTLP_" + of + "PROTOCOL"
		if getenv(name) == "" {
			name = "OTEL_EXPORTER_OTLP_PROTOCOL"
		}
		if p := getenv(name); p != "" && p != "http/protobuf" && here == nil {
			refuse(name, fmt.Errorf("flowrun speaks http/protobuf, not %s", p))
		}
	}
	anywhere, metrics, traces := named(""), named("METRICS_"), named("TRACES_")
	want.metrics = (here != nil || anywhere || metrics) && getenv("OTEL_METRICS_EXPORTER") != "none"
	switch exporter := getenv("OTEL_TRACES_EXPORTER"); {
	case exporter == "none":
	case here != nil:
		want.traces = here.Traces
	case traces || exporter == "otlp":
		want.traces = new(flowfile.Traces)
		want.traces.SetDefaults()
		if err := sampler(getenv, want.traces); err != nil {
			wrong = append(wrong, err)
		}
	}
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || !want.metrics && want.traces == nil {
		return wanted{}, nil
	}
	if want.metrics {
		speaks("METRICS_")
	}
	if want.traces != nil {
		speaks("TRACES_")
	}
	return want, errors.Join(wrong...)
}

// sampler reads who is followed.
func sampler(getenv func(string) string, to *flowfile.Traces) error {
	const name, argument = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
	kind, based := strings.CutPrefix(getenv(name), "parentbased_")
	if kind != "" {
		to.Follow = based
	}
	if !slices.Contains([]string{"", "always_on", "always_off", "traceidratio"}, kind) {
		return fmt.Errorf("%s: flowrun has always_on, always_off and traceidratio, each maybe after parentbased_", name)
	}
	switch text := getenv(argument); {
	case kind == "always_on":
		to.Sample = 1
	case kind == "always_off":
		to.Sample = 0
	case text != "":
		ratio, err := strconv.ParseFloat(text, 64)
		if err != nil || !(ratio >= 0 && ratio <= 1) {
			return fmt.Errorf("%s: it is no number from 0 to 1", argument)
		}
		to.Sample = ratio
	}
	return nil
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
