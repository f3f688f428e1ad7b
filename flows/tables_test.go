package flows_test

import (
	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline"
)

// tables are the components of these tests: the real ones, with codecs of our
// own that do nothing.
var tables = flows.Tables{
	Connectors: connectors.All,
	Processors: preprocessors.All,
	Steps:      pipeline.Steps,
	Codecs: []flow.Spec[flow.CodecConfig]{
		{Name: "json", Config: func() flow.CodecConfig { return &jsonConfig{} }},
		{Name: "string", Config: func() flow.CodecConfig { return &stringConfig{} }},
	},
}

type jsonConfig struct {
	SortKeys bool `hcl:"sort_keys"`
}

func (*jsonConfig) New() (func() flow.Codec, error) {
	return func() flow.Codec { return nil }, nil
}
func (*jsonConfig) Text() bool { return true }

type stringConfig struct{}

func (*stringConfig) New() (func() flow.Codec, error) {
	return func() flow.Codec { return nil }, nil
}
func (*stringConfig) Text() bool { return true }
