package status

import (
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/link"
)

// State is what a connector is doing.
type State string

// The states of a connector.
const (
	Connecting State = "connecting"  // an attempt has begun
	Open       State = "open"        // it has opened a connection, or listens, or opens connections when events need them
	BackingOff State = "backing off" // it lost its world and waits for the next attempt
	Failed     State = "failed"      // it has given up
	Ended      State = "ended"       // its work is done
)

// Up reports whether a connector in this state does what it is there for, or
// has done it.
func (s State) Up() bool { return s == Open || s == Ended }

// Phase is how far the process is in its life.
type Phase string

// The phases of a process.
const (
	Starting Phase = "starting" // connectors are being prepared
	Running  Phase = "running"
	Draining Phase = "draining" // what is in flight is delivered, nothing new is taken
)

// Health is how the process is doing.
type Health struct {
	Phase Phase
	// Ready says that the flows run and every required connector is up, and not
	// paused.
	Ready      bool
	Connectors []Connector // in the order of start
}

// Connector is how one connector is doing.
type Connector struct {
	Flow      string
	Type      string
	Name      string
	Required  bool
	State     State
	Paused    bool      // it receives nothing from its connections
	Since     time.Time // of the state
	Attempts  int       // that failed, in a row
	LastError string    // of the last attempt that failed; "" when none has
	NextRetry time.Time // while backing off
	Role      flow.Role
	Listening []Listener
	Stats     link.Stats
}

// Address names the connector as flow files do: "connector.edge".
func (c *Connector) Address() string { return "connector." + c.Name }

// Ready reports whether the connector does all that it is there for.
func (c *Connector) Ready() bool { return c.State.Up() && !c.Paused }
