package flowfile

import (
	"time"

	"github.com/flowrun/flowrun/runtime/setting"
)

// Reconnect says how a connector that lost its world is run again.
type Reconnect struct {
	Interval    setting.Duration `hcl:"interval" min:"1ms" doc:"wait before the first new attempt"`
	GrowthRate  float64          `hcl:"growth_rate" min:"1" doc:"factor from one wait to the next"`
	MaxInterval setting.Duration `hcl:"max_interval" min:"1ms" doc:"longest wait"`
	Randomized  bool             `hcl:"randomized" doc:"waits are chosen at random around the computed one, so that clients do not return in step"`
	MaxRetries  int              `hcl:"max_retries" min:"0" doc:"attempts in a row before the connector gives up; 0 for no limit. A success starts the count anew"`
}

// Common are the arguments that every connector has beside its own.
type Common struct {
	Required  bool      `hcl:"required" doc:"the process is ready only while this connector is up"`
	OnFailure string    `hcl:"on_failure" oneof:"continue|exit" doc:"what the process does when the connector has given up"`
	OnDecode  string    `hcl:"on_decode_error" oneof:"err|drop|close" doc:"what happens to a message that cannot be decoded: to the err port, counted only, or the connection is closed"`
	Reconnect Reconnect `hcl:"reconnect" doc:"how a lost connection or a failed start is tried again"`
}

// DefaultCommon returns the defaults of Common.
func DefaultCommon() Common {
	return Common{
		Required:  true,
		OnFailure: "continue",
		OnDecode:  "err",
		Reconnect: Reconnect{
			Interval:    setting.Duration(500 * time.Millisecond),
			GrowthRate:  2,
			MaxInterval: setting.Duration(30 * time.Second),
			Randomized:  true,
		},
	}
}
