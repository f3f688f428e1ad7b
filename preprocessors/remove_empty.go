package preprocessors

import "github.com/flowrun/flowrun/runtime/flow"

var removeEmptySpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "remove_empty",
	Summary: "drops empty messages",
	Doc: `Drops messages of no bytes, in either direction, and passes on all others as they are. It is of use before a
processor or codec for which an empty message is an error: some clients send empty frames to show that they are alive.`,
	Example: `connector "ws_server" "edge" {
  url           = "127.0.0.1:4242"
  preprocessors = ["remove_empty"]
  codec         = "json"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &removeEmpty{} },
}

type removeEmpty struct{}

func (c *removeEmpty) New() (in, out func() flow.Processor, err error) {
	drop := func() flow.Processor { return nonEmpty{} }
	return drop, drop, nil
}

func (c *removeEmpty) Frames() bool { return false }
func (c *removeEmpty) Text() bool   { return true }

// nonEmpty is remove_empty in both directions.
type nonEmpty struct{}

func (nonEmpty) Process(p []byte, emit func([]byte) error) error {
	if len(p) == 0 {
		return nil
	}
	return emit(p)
}

func (nonEmpty) Finish(func([]byte) error) error { return nil }

// Stateless implements flow.Stateless.
func (nonEmpty) Stateless() {}
