package ws

import (
	"cmp"
	"fmt"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Rates are the limits of what a client sends.
type Rates struct {
	MessagesPerSecond int              `hcl:"messages_per_second" min:"1" doc:"what a client may send: messages, and each of their fragments, pings, answers to pings and empty ones, too. More close the connection with 1008. No limit when not given"`
	BytesPerSecond    setting.Size     `hcl:"bytes_per_second" min:"1B" doc:"what a client may send, with the headers of frames. More close the connection with 1008. No limit when not given"`
	Burst             setting.Duration `hcl:"burst" min:"1ms" doc:"what the limits per second allow in so long a time may come at once; 2s when not given"`
}

const defaultBurst = 2 * time.Second

// maxHeader is the longest header of a frame.
const maxHeader = 14

// options checks that the limits leave room for what else is allowed.
func (r *Rates) options(maxMessage setting.Size, ping *Ping) (socket.Rate, error) {
	o := socket.Rate{
		Frames: r.MessagesPerSecond,
		Bytes:  int64(r.BytesPerSecond),
		Burst:  cmp.Or(time.Duration(r.Burst), defaultBurst),
	}
	refuse := func(field, format string, args ...any) error {
		return &setting.Error{Field: "limits." + field, Err: fmt.Errorf(format, args...)}
	}
	if at := o.Burst.Seconds() * float64(o.Frames); o.Frames > 0 && at < 1 {
		return o, refuse("messages_per_second", "%d messages per second in a burst of %v do not let a single one through: raise burst", o.Frames, o.Burst)
	}
	if ping != nil && o.Frames > 0 {
		if every := cmp.Or(time.Duration(ping.Interval), defaultPing); every.Seconds()*float64(o.Frames) <= 1 {
			return o, refuse("messages_per_second", "a client that answers a ping every %v would exceed it by that alone: raise messages_per_second, or ping.interval", every)
		}
	}
	if at := o.Burst.Seconds() * float64(o.Bytes); o.Bytes > 0 && at < float64(maxMessage)+maxHeader {
		return o, refuse("bytes_per_second", "a message of max_message (%s) would exceed it by itself, since %s may come at once: lower max_message, or raise burst (%v)",
			maxMessage, setting.Size(at), o.Burst)
	}
	return o, nil
}
