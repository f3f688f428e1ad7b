package flow

// Spec is a row of a table of components. C is one of the configuration
// interfaces below, or any for the [Variants] of a block.
type Spec[C any] struct {
	Name    string   // as flows write it: "ws_server"
	Summary string   // one line
	Doc     string   // what a user must know: Markdown, paragraphs
	Example string   // a flow file that validates
	Config  func() C // a new configuration with its defaults: a pointer to a struct with tags
}

// ConnectorConfig is the configuration of a connector. New checks what can be
// checked without effects on the world (it may read certificates) and is
// called by `validate` too; an error about one argument is a *setting.Error, and
// several are joined by errors.Join.
type ConnectorConfig interface {
	Shape() Shape
	New() (Connector, error)
}

// CodecConfig is the configuration of a codec.
type CodecConfig interface {
	// New checks the configuration and returns what makes a codec for each
	// connection.
	New() (func() Codec, error)
	// Text reports whether what it encodes is text.
	Text() bool
}

// MediaTyper is implemented by configurations of codecs whose messages have a
// name of their own in MIME: "application/json".
type MediaTyper interface{ MediaType() string }

// ProcessorConfig is the configuration of a preprocessor and its mirror, the
// postprocessor.
type ProcessorConfig interface {
	// New checks the configuration and returns what makes the processor for
	// each connection, inwards and outwards; nil where that direction does
	// not exist.
	New() (in, out func() Processor, err error)
	// Frames reports whether it finds the borders of messages in a stream of
	// bytes by itself.
	Frames() bool
	// Text reports whether what it makes of text outwards is still text.
	Text() bool
}

// StepConfig is the configuration of a step of a pipeline.
type StepConfig interface {
	// Ports are the named exits that the step adds to its pipeline.
	Ports() []string
	// New returns the step: a Sink that sends on to env.Next or an exit.
	New(env StepEnv) (Sink, error)
}

// Forgetter is implemented by configurations of steps that make new events of
// those that they take, so that what the flow wrote into meta, or even the way
// back, ends there. A step without it hands both on; what it writes into meta
// is its argument `meta`.
type Forgetter interface {
	// Forgets says what of the incoming events is not with the outgoing ones.
	Forgets() (meta, origins bool)
}

// Ender is implemented by configurations of steps that may let nothing go on.
type Ender interface {
	// Ends reports whether no event comes to the next step, nor leaves by the
	// pipeline's out when there is none.
	Ends() bool
}

// StepEnv is where a step finds what is around it.
type StepEnv struct {
	Label    string
	Next     Sink                   // the following step, or the pipeline's out
	Port     func(name string) Sink // an exit of the pipeline
	Problems *Problems              // the pipeline's err
}

// Variants is implemented by the type of a field that holds blocks of several
// kinds: a slice of an interface. The label of a block chooses a row of the
// table (auth "jwt" { }), and with that the struct that the block fills, which
// is then appended to the slice.
type Variants interface {
	Variants() []Spec[any]
}

// Defaulter is implemented by blocks that need not be there and have defaults
// when they are: a configuration holds a pointer to one, nil without the block.
type Defaulter interface{ SetDefaults() }
