package flows

import (
	"errors"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/flows/decode"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Settings is the `flow` block: what concerns a flow as a whole, and its
// process.
type Settings struct {
	Description string             `hcl:"description" doc:"what the flow is for"`
	Drain       flowfile.Drain     `hcl:"drain" doc:"how the flow ends when its process is told to"`
	Admin       flowfile.Admin     `hcl:"admin" doc:"the management API of the process; of the flows of a process, one has it. It is set up at the start: a reload does not change it"`
	Telemetry   flowfile.Telemetry `hcl:"telemetry" doc:"where the process sends what it has counted and seen, without being asked; of the flows of a process, one says so"`
}

// DefaultSettings returns what a flow without the block has.
func DefaultSettings() Settings {
	return Settings{Drain: flowfile.DefaultDrain(), Admin: flowfile.DefaultAdmin()}
}

// readSettings reads the flow block.
func (r *reader) readSettings() {
	var first hcl.Range
	for i, b := range r.Blocks["flow"] {
		if i > 0 {
			r.Twice(b, first)
			continue
		}
		first = b.At
		b.Owner = "flow"
		s := DefaultSettings()
		d := r.decoder()
		d.Decode(b.Region, nil, nil, &s)
		r.readAdmin(d, &s)
		r.readTelemetry(d, &s)
		if r.title == "" {
			r.whole.file.Description = s.Description
		}
		at, given := d.Places["drain"]
		if !given {
			continue
		}
		if r.title != "" {
			r.Warnf(at, "drain has no effect in a module").Hint("how the process ends is said in the flow that uses the module")
			continue
		}
		if err := s.Drain.Check(); err != nil && !d.Failed {
			if fe := (*setting.Error)(nil); errors.As(err, &fe) {
				fe.Field = "drain." + fe.Field
			}
			d.Refused("drain", at, err)
		}
		if !d.Failed {
			r.whole.file.Drain, r.whole.drainAt = s.Drain, at
		}
	}
}

// readAdmin takes over what the block says of the process's API.
func (r *reader) readAdmin(d *decode.Decoder, s *Settings) {
	at, given := d.Places["admin"]
	switch {
	case !given:
	case r.title != "":
		r.Warnf(at, "admin has no effect in a module").Hint("the API of the process is set up in the flow that uses the module")
	case !d.Failed:
		if s.Admin.Address == "" {
			r.Warnf(at, "admin names no address: the API listens only where --admin says").Hint("address = \"127.0.0.1:8686\" is for this machine alone")
		}
		r.whole.file.Admin, r.whole.adminAt = &s.Admin, at
		if check := r.tables.Admin; check != nil {
			r.refusedAdmin(d, at, check(s.Admin))
		}
	}
}

// refusedAdmin reports what is wrong with the settings of the API.
func (r *reader) refusedAdmin(d *decode.Decoder, at hcl.Range, err error) {
	if err != nil {
		d.Refused("admin", at, setting.Within("admin", err))
	}
}

// readTelemetry takes over where the process reports to.
func (r *reader) readTelemetry(d *decode.Decoder, s *Settings) {
	at, given := d.Places["telemetry"]
	to := s.Telemetry.OTLP
	switch {
	case !given:
	case r.title != "":
		r.Warnf(at, "telemetry has no effect in a module").Hint("where the process reports to is said in the flow that uses the module")
	case to != nil && !d.Failed:
		r.whole.file.Telemetry, r.whole.reportsAt = s.Telemetry, at
		if check := r.tables.Telemetry; check != nil {
			if err := check(*to); err != nil {
				d.Refused("telemetry", at, setting.Within("telemetry", setting.Within("otlp", err)))
			}
		}
	}
}

// collectors reports a second flow that says where the process reports to.
func (r checks) collectors(readers []*reader) {
	var first *flowfile.File
	for _, f := range readers {
		switch file := f.whole.file; {
		case file.Telemetry.OTLP == nil:
		case first == nil:
			first = file
		default:
			r.Errorf(f.whole.reportsAt, "telemetry: the process reports to one collector, which the flow %s names already", first.Name).Hint("leave it out here")
		}
	}
}

// admins reports a second flow that wants to set up the API of the process.
func (r checks) admins(readers []*reader) {
	var first *flowfile.File
	for _, f := range readers {
		switch file := f.whole.file; {
		case file.Admin == nil:
		case first == nil:
			first = file
		default:
			r.Errorf(f.whole.adminAt, "admin: the process has one API, which the flow %s sets up already", first.Name).Hint("leave it out here")
		}
	}
}

// drains reports flows that do not fit together in one process, which waits for
// the longest delay and ends after the longest timeout of all.
func (r checks) drains(readers []*reader) {
	var delays, ends *flowfile.File
	for _, f := range readers {
		file := f.whole.file
		if delays == nil || file.Drain.Delay > delays.Drain.Delay {
			delays = file
		}
		if ends == nil || file.Drain.Timeout > ends.Drain.Timeout {
			ends = file
		}
	}
	for _, f := range readers {
		d := f.whole.file.Drain
		if delay, end := delays.Drain.Delay, ends.Drain.Timeout; f.whole.file != delays && end <= delay+d.Spread {
			r.Errorf(f.whole.drainAt, "drain: the hard stop of the process (the timeout of the flow %s, %s) would come before the delay of the flow %s (%s) and this spread (%s) are over",
				ends.Name, end, delays.Name, delay, d.Spread).Hint("flows in one process share the longest delay and the longest timeout: make timeout longer than %s in one of them", delay+d.Spread)
		}
	}
}
