package metrics

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/status"
)

var (
	up            = ofConnector("up", "1 while the connector is open or done with its work, else 0.")
	state         = ofConnector("state", "1 for what the connector is doing, 0 for what it could do else.", "state")
	paused        = ofConnector("paused", "1 while the connector receives nothing because it was paused, else 0.")
	required      = ofConnector("required", "1 if the process is ready only while the connector is up, else 0.")
	failed        = ofConnector("failed_attempts", "Attempts to open it that failed, in a row.")
	attempts      = ofConnector("attempts_total", "Attempts to open it: to connect, or to listen.")
	reconnects    = ofConnector("reconnects_total", "Attempts that have opened it again after it was lost.")
	connections   = ofConnector("connections", "Connections that are open.")
	opened        = ofConnector("connections_opened_total", "Connections that were opened.")
	closed        = ofConnector("connections_closed_total", "Connections that have ended, by close code (1000 to 1015, 3xxx, 4xxx, none) and cause: done, peer, flow, operator, drain, replaced, expired, slow, idle, dead, violation, lost, fault.", "code", "cause")
	closedSlow    = ofConnector("slow_connections_closed_total", "Connections that were ended because their queue was full.")
	received      = ofConnector("events_received_total", "Events that came in and were decoded.")
	receivedBytes = ofConnector("received_bytes_total", "Bytes of messages that came in, before preprocessors, without what the transport adds.")
	sent          = ofConnector("events_sent_total", "Events that were written.")
	sentBytes     = ofConnector("sent_bytes_total", "Bytes of messages that were written, behind postprocessors, without what the transport adds.")
	unhandled     = ofConnector("events_failed_total", "Events that came in and that no sink and no err port took.")
	lost          = ofConnector("events_lost_total", "Events that were to be written, or to go on, and were not, by reason: connection_ended, slow_connection, queue_full, nobody_there, not_connected.", "reason")
	problems      = ofConnector("errors_total", "What has gone wrong with a message, by kind: "+strings.Join(flow.ProblemKinds[:], ", ")+".", "kind")
	refused       = ofConnector("subscriptions_refused_total", "Subscriptions to topics that were not made.")
	queued        = ofConnector("queued_events", "Events that wait in the queues of all connections, are being written, or wait to be confirmed.")
	queuedBytes   = ofConnector("queued_bytes", "Bytes of the events that wait in queues, are being written, or wait to be confirmed; where the queue is persistent, on the disk.")
	oldest        = ofConnector("oldest_queued_event_age_seconds", "How long ago the oldest of the events arrived that wait in queues or wait to be confirmed, also in an earlier process; 0 while none does.")
	confirmed     = ofConnector("events_confirmed_total", "Events that have left a queue which keeps them, persistent or confirm = pong, by being confirmed.")
	resent        = ofConnector("events_resent_total", "Events that were written once more, since they were not confirmed when a connection was lost.")
	latency       = ofConnector("event_latency_seconds", "How long events took from their arrival in the process until they were handed to this connector's writer.")
	handshake     = ofConnector("handshake_duration_seconds", "How long it took to open connections: for a server since the request came, for a client since it began to connect.")
	roundTrip     = ofConnector("ping_round_trip_seconds", "How long answers to pings took.")

	ofConnectors = []*prometheus.Desc{
		up, state, paused, required, failed, attempts, reconnects, connections, opened, closed, closedSlow, received, receivedBytes, sent, sentBytes,
		unhandled, lost, problems, refused, queued, queuedBytes, oldest, confirmed, resent, latency, handshake, roundTrip,
	}
)

func ofConnector(name, help string, labels ...string) *prometheus.Desc {
	return desc("connector_"+name, help, append([]string{"flow", "connector", "type"}, labels...)...)
}

// age is how many seconds ago something was, in Unix nanoseconds; 0 for none.
func age(ns int64) float64 {
	if ns == 0 {
		return 0
	}
	return max(0, time.Since(time.Unix(0, ns)).Seconds())
}

var states = []status.State{status.Connecting, status.Open, status.BackingOff, status.Failed, status.Ended}

func connector(p put, h *status.Connector, c *status.ConnectorCounts) {
	s := &h.Stats
	p.gauge(up, oneIf(h.State.Up()))
	for _, other := range states {
		p.gauge(state, oneIf(h.State == other), strings.ReplaceAll(string(other), " ", "_"))
	}
	p.gauge(paused, oneIf(h.Paused))
	p.gauge(required, oneIf(h.Required))
	p.gauge(failed, float64(h.Attempts))
	p.counter(attempts, c.Attempts)
	p.counter(reconnects, c.Reconnects)

	p.gauge(connections, float64(s.Open))
	p.counter(opened, s.Opened)
	for _, e := range c.Endings {
		p.counter(closed, e.Count, e.Code, string(e.Cause))
	}
	p.counter(closedSlow, s.Slow)

	p.counter(received, s.EventsIn)
	p.counter(receivedBytes, s.BytesIn)
	p.counter(sent, s.EventsOut)
	p.counter(sentBytes, s.BytesOut)
	p.counter(unhandled, s.Failed)
	p.counter(lost, s.Lost-s.LostSlow, "connection_ended")
	p.counter(lost, s.LostSlow, "slow_connection")
	p.counter(lost, s.Dropped, "queue_full")
	p.counter(lost, s.Unheard, "nobody_there")
	p.counter(lost, s.Unconnected, "not_connected")
	errorsByKind(p, problems, c.Problems)
	p.counter(refused, s.Refused)

	p.gauge(queued, float64(s.Waiting))
	p.gauge(queuedBytes, float64(s.WaitingBytes))
	p.gauge(oldest, age(s.Oldest))
	p.counter(confirmed, s.Confirmed)
	p.counter(resent, s.Resent)
	p.histogram(latency, &c.Latency)
	p.histogram(handshake, &c.Handshake)
	p.histogram(roundTrip, &c.RoundTrip)
}
