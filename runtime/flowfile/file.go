package flowfile

import "github.com/flowrun/flowrun/runtime/flow"

// File is one flow, read and checked: what package flows returns and the
// engine runs. All references in it are resolved, and modules and for_each are
// spelled out: names are full ones, such as `store`, `edge["ams"]` or
// `audit.store`, unique per kind of block and the same as long as the blocks that
// they come from are called the same.
type File struct {
	Name        string
	Path        string // of the file or folder, as it was named
	Description string
	Dir         string // relative paths were relative to this
	Connectors  []*ConnectorBlock
	Pipelines   []*PipelineBlock
	Connects    []*ConnectBlock
	Drain       Drain     // [DefaultDrain] where the flow has none
	Admin       *Admin    // of the process; of several flows, one has it, others nil
	Telemetry   Telemetry // likewise
}

// ConnectorBlock is one `connector` of a flow.
type ConnectorBlock struct {
	Type   string
	Name   string
	At     flow.Place
	Common Common
	Config flow.ConnectorConfig // decoded and checked: New has succeeded once
	Codec  flow.CodecUse
	Pre    []flow.ProcessorUse // in the order in which messages pass on their way in
	Post   []flow.ProcessorUse // in the order in which messages pass on their way out
	// Fingerprint is that of all above but Name and At.
	Fingerprint flow.Fingerprint
}

// PipelineBlock is one `pipeline` of a flow: a template; each use of it is an
// instance of its own.
type PipelineBlock struct {
	Name  string
	At    flow.Place
	Ports []string // what its route steps name, beside in, out and err
	Steps []StepBlock
	// Fingerprint is that of the steps.
	Fingerprint flow.Fingerprint
}

// StepBlock is one step of a pipeline.
type StepBlock struct {
	Type   string
	Label  string
	At     flow.Place
	Config flow.StepConfig
}

// PortRef names a port: connector.edge.err is {"connector", "edge", "err"}.
type PortRef struct {
	Kind string // "connector" or "pipeline"
	Name string
	Port string
}

// String spells the reference as in a flow, with its port.
func (r PortRef) String() string { return r.Kind + "." + r.Name + "." + r.Port }

// ConnectBlock is one `connect` of a flow.
type ConnectBlock struct {
	Name  string
	At    flow.Place
	From  []PortRef
	Via   []string  // names of pipelines, each an instance of its own
	Where flow.Expr // nil when there is none
	To    []PortRef
	// Deliver says which connections of a target with several get an event.
	Deliver flow.Delivery
	// Whom tells, for delivery by Topic or Identity, which topics or identities:
	// one or a list of them, null for none.
	Whom flow.Expr
	// LostPeerErr sends events whose connections are all gone to the target's
	// err; otherwise they are dropped and counted.
	LostPeerErr bool
	// BestEffort leaves the edge out of the acknowledgement: what fails on it
	// is counted, and the event counts as delivered.
	BestEffort bool
	// Fingerprint is that of Where and of how, and to whom, events are delivered.
	Fingerprint flow.Fingerprint
}
