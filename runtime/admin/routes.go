package admin

import (
	"net/http"

	"github.com/flowrun/flowrun/runtime/admin/stream"
	"github.com/flowrun/flowrun/runtime/graph"
)

// route is one thing that can be asked for. All but serve is what the OpenAPI
// document says of it.
type route struct {
	method  string // of GET, HEAD too
	path    string // a pattern of net/http: "/api/v1/connectors/{name}"
	needs   Role
	summary string
	query   []parameter
	takes   any    // a value of the type of its body, which is JSON; nil for none
	gives   any    // the same of the answer, where that is JSON
	media   string // of the answer, where it is not: "text/event-stream"
	streams bool   // goes on for long, and is bounded by itself
	status  int    // of the answer; 0 for 200
	also    int    // another one, with the same answer
	serve   func(*Server, http.ResponseWriter, *http.Request)
}

// parameter is a part of the query.
type parameter struct {
	name, doc string
}

// chosen says what of all that happens is wanted.
var chosen = []parameter{{"types", "what is told, by comma: connection.new,connection.close"}, {"connector", "of which connector alone"}}

// routes are all there are.
var routes = []route{
	{
		method: "GET", path: "/healthz", needs: Anybody, serve: (*Server).healthz,
		summary: "The process answers", gives: Alive{},
	},
	{
		method: "GET", path: "/readyz", needs: Anybody, serve: (*Server).readyz,
		summary: "Whether it is ready for traffic: 503, and who is not up, otherwise", gives: Readiness{}, also: http.StatusServiceUnavailable,
	},
	{
		method: "GET", path: "/metrics", needs: Read, serve: (*Server).scrape,
		summary: "Counters in the format of Prometheus", media: "text/plain",
	},
	{
		method: "GET", path: "/api/v1/version", needs: Read, serve: (*Server).version,
		summary: "How the binary was built", gives: Build{},
	},
	{
		method: "GET", path: "/api/v1/openapi.json", needs: Read, serve: (*Server).openapi,
		summary: "This document", gives: map[string]any{},
	},
	{
		method: "GET", path: "/api/v1/status", needs: Read, serve: (*Server).status,
		summary: "Phase, readiness and all connectors", gives: Status{},
	},
	{
		method: "GET", path: "/api/v1/connectors", needs: Read, serve: (*Server).connectors,
		summary: "All connectors", gives: Connectors{},
	},
	{
		method: "GET", path: "/api/v1/connectors/{name}", needs: Read, serve: (*Server).oneConnector,
		summary: "One connector", query: []parameter{flowParameter}, gives: Connector{},
	},
	{
		method: "POST", path: "/api/v1/connectors/{name}/pause", needs: Control, serve: (*Server).pauseConnector,
		summary: "Receive nothing more from its connections, until it is resumed", query: []parameter{flowParameter}, gives: Connector{},
	},
	{
		method: "POST", path: "/api/v1/connectors/{name}/resume", needs: Control, serve: (*Server).resumeConnector,
		summary: "Receive again", query: []parameter{flowParameter}, gives: Connector{},
	},
	{
		method: "GET", path: "/api/v1/connections", needs: Read, serve: (*Server).listConnections,
		summary: "A page of the open connections", query: connectionParameters, gives: Connections{},
	},
	{
		method: "GET", path: "/api/v1/connections/{id}", needs: Read, serve: (*Server).oneConnection,
		summary: "One of them", gives: Connection{},
	},
	{
		method: "POST", path: "/api/v1/connections/{id}/send", needs: Control, serve: (*Server).sendTo,
		summary: "Send a message to one of them, past codec and processors", takes: Message{}, gives: Done{}, status: http.StatusAccepted,
	},
	{
		method: "POST", path: "/api/v1/connections/{id}/close", needs: Control, serve: (*Server).closeOne,
		summary: "End one of them, with a close code and a reason", takes: Closing{}, gives: Done{}, status: http.StatusAccepted,
	},
	{
		method: "GET", path: "/api/v1/config", needs: Read, serve: (*Server).config,
		summary: "The files of the flows that run, without secrets and comments", gives: Config{},
	},
	{
		method: "GET", path: "/api/v1/flows", needs: Read, serve: (*Server).flows,
		summary: "All flows", gives: Flows{},
	},
	{
		method: "GET", path: "/api/v1/flows/{name}", needs: Read, serve: (*Server).oneFlow,
		summary: "One flow", gives: Flow{},
	},
	{
		method: "GET", path: "/api/v1/flows/{name}/graph", needs: Read, serve: (*Server).graph,
		summary: "How a flow is wired, for programs or as a picture", query: []parameter{graphParameter}, gives: graph.Description{},
	},
	{
		method: "PATCH", path: "/api/v1/flows/{name}", needs: Control, serve: (*Server).patchFlow,
		summary: "Pause or resume a flow", takes: FlowPatch{}, gives: Flow{},
	},
	{
		method: "POST", path: "/api/v1/flows/{name}/pause", needs: Control, serve: (*Server).pauseFlow,
		summary: "Receive nothing more by any of its connectors, until it is resumed", gives: Flow{},
	},
	{
		method: "POST", path: "/api/v1/flows/{name}/resume", needs: Control, serve: (*Server).resumeFlow,
		summary: "Receive again by all of its connectors that are not paused themselves", gives: Flow{},
	},
	{
		method: "GET", path: "/api/v1/connectors/{name}/events", needs: Read, serve: listening(peers), streams: true,
		summary: "What becomes of the connections of a connector: Server-Sent Events, or a WebSocket", media: "text/event-stream",
	},
	{
		method: "GET", path: "/api/v1/ws", needs: Read, serve: listening((*stream.Server).Socket), streams: true,
		summary: "What happens in the process, by a WebSocket", query: chosen, status: http.StatusSwitchingProtocols,
	},
	{
		method: "GET", path: "/api/v1/events", needs: Read, serve: listening((*stream.Server).Events), streams: true,
		summary: "What happens in the process, as Server-Sent Events", query: chosen, media: "text/event-stream",
	},
	{
		method: "GET", path: "/api/v1/logs/stream", needs: Read, serve: listening((*stream.Server).Logs), streams: true,
		summary: "The log, as Server-Sent Events", query: []parameter{{"level", "lowest level that is told"}}, media: "text/event-stream",
	},
	{
		method: "GET", path: "/api/v1/tap/{place...}", needs: Tap, serve: (*Server).tap, streams: true,
		summary: "Copies of the events that pass a connect or a port: connector.edge.out, or echo/connect.echo", media: "text/event-stream",
		query: []parameter{
			{"sample", "the share of the events, from above 0 to 1"},
			{"rate", "events a second at most"},
			{"limit", "end after so many events"},
		},
	},
	{
		method: "GET", path: "/api/v1/loglevel", needs: Read, serve: (*Server).logLevel,
		summary: "The lowest level that is logged", gives: LogLevel{},
	},
	{
		method: "PUT", path: "/api/v1/loglevel", needs: Control, serve: (*Server).setLogLevel,
		summary: "Log from another level on, until the process ends", takes: LogLevel{}, gives: LogLevel{},
	},
	{
		method: "POST", path: "/api/v1/reload", needs: Control, serve: (*Server).reload,
		summary: "Read the flows again", gives: Reloaded{},
	},
	{
		method: "POST", path: "/api/v1/drain", needs: Control, serve: (*Server).drain,
		summary: "End the process gracefully", gives: Draining{}, status: http.StatusAccepted,
	},
}
