package flow

import "time"

// Admin says where the process serves its management API, and to whom.
type Admin struct {
	Address    string      `hcl:"address" doc:"where the process serves health, metrics and the API of its management: \"127.0.0.1:8686\". Without it, nowhere. What --admin says comes before it"`
	Tokens     []Secret    `hcl:"tokens" doc:"who shows one of these may see everything, reload and drain. Without tokens, the address must be of this machine alone, and nothing can be changed"`
	TokensFile Path        `hcl:"tokens_file" doc:"file with a line for each token, which may be {SHA256} and the digest in hex or base64; lines that begin with # are comments. It is read again when it changes. What --admin-tokens says comes before it"`
	Events     AdminEvents `hcl:"events" doc:"who may listen to what happens in the process, at /api/v1/ws and /api/v1/events"`
	Logs       AdminLogs   `hcl:"logs" doc:"who may listen to the log, at /api/v1/logs/stream"`
}

// AdminEvents bounds the clients of live events.
type AdminEvents struct {
	MaxClients    int      `hcl:"max_clients" min:"1" max:"10000" doc:"clients at a time; others are answered 503 with Retry-After"`
	ReadTimeout   Duration `hcl:"read_timeout" min:"100ms" doc:"closes a WebSocket, with 1001, from which nothing has come for so long; an answer to our pings counts. Server-Sent Events have no such limit"`
	StatsInterval Duration `hcl:"stats_interval" min:"100ms" doc:"time from one stats.update to the next, while anyone listens"`
}

// AdminLogs bounds the clients of the log.
type AdminLogs struct {
	MaxSubscribers int `hcl:"max_subscribers" min:"1" max:"10000" doc:"clients at a time; others are answered 503 with Retry-After"`
}

// DefaultAdmin returns the defaults of Admin.
func DefaultAdmin() Admin {
	return Admin{
		Events: AdminEvents{MaxClients: 100, ReadTimeout: Duration(time.Minute), StatsInterval: Duration(5 * time.Second)},
		Logs:   AdminLogs{MaxSubscribers: 100},
	}
}
