package flowfile

import (
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Admin says where the process serves its management API, and to whom.
type Admin struct {
	Address    string                        `hcl:"address" doc:"where the process serves health, metrics and the API of its management: \"127.0.0.1:8686\". Without it, nowhere. What --admin says comes before it"`
	Tokens     []setting.Secret              `hcl:"tokens" doc:"who shows one of these may do everything. Without tokens, the address must be of this machine alone, and the API is to look at"`
	TokensFile setting.Path                  `hcl:"tokens_file" doc:"file with a line for each token, which may be {SHA256} and the digest in hex or base64. After it may stand sub=NAME, for the log, and roles=read,tap,control: what it may do, everything when that is not said. Lines that begin with # are comments. It is read again when it changes. What --admin-tokens says comes before it"`
	Hashes     map[setting.Secret]flow.Value `hcl:"hashes" doc:"the same here: an object { sub = \"ci\", roles = [\"control\"] } for each token, by the token's SHA-256 digest in hex or base64"`
	Origins    []string                      `hcl:"origins" doc:"pages of other hosts that may use the API from a browser, by the Origin that it sends: \"https://ops.example.org\", \"https://*.example.org\", \"http://localhost:*\". Pages of this very address may; \"*\", for any, needs tokens. What --admin-origins says comes before it"`
	TLS        *setting.TLSServer            `hcl:"tls" doc:"certificate and key: the API is served by HTTPS alone then"`
	Events     AdminEvents                   `hcl:"events" doc:"who may listen to what happens in the process, at /api/v1/ws and /api/v1/events"`
	Logs       AdminLogs                     `hcl:"logs" doc:"who may listen to the log, at /api/v1/logs/stream"`
	Tap        AdminTap                      `hcl:"tap" doc:"who may look on at what passes, at /api/v1/tap, and what nobody may see there"`
}

// AdminEvents bounds the clients of live events.
type AdminEvents struct {
	MaxClients    int              `hcl:"max_clients" min:"1" max:"10000" doc:"clients at a time; others are answered 503 with Retry-After"`
	ReadTimeout   setting.Duration `hcl:"read_timeout" min:"100ms" doc:"closes a WebSocket, with 1001, from which nothing has come for so long; an answer to our pings counts. Server-Sent Events have no such limit"`
	StatsInterval setting.Duration `hcl:"stats_interval" min:"100ms" doc:"time from one stats.update to the next, while anyone listens"`
}

// AdminLogs bounds the clients of the log.
type AdminLogs struct {
	MaxSubscribers int `hcl:"max_subscribers" min:"1" max:"10000" doc:"clients at a time; others are answered 503 with Retry-After"`
}

// AdminTap bounds what may be seen of events that pass, and what that may cost.
type AdminTap struct {
	MaxClients int          `hcl:"max_clients" min:"1" max:"1000" doc:"clients at a time; others are answered 503 with Retry-After"`
	Rate       int          `hcl:"rate" min:"1" doc:"events a second that a client gets at most, when it does not say"`
	MaxRate    int          `hcl:"max_rate" min:"1" doc:"the most that it may say"`
	MaxSize    setting.Size `hcl:"max_size" min:"1B" max:"16MiB" doc:"of an event with what is known of it; of a larger one it is told that it passed, and not what is in it"`
	Redact     []string     `hcl:"redact" doc:"what is not shown: names of fields, wherever they are, like \"iban\", and paths, like \"event.user.name\", \"event.items.*.price\", \"peer.claims.email\". What is called like a secret (authorization, cookie, token, secret, password and the like) is not shown anyway"`
	Show       []string     `hcl:"show" doc:"names of fields that are shown although they are called like a secret"`
}

// DefaultAdmin returns the defaults of Admin.
func DefaultAdmin() Admin {
	return Admin{
		Events: AdminEvents{MaxClients: 100, ReadTimeout: setting.Duration(time.Minute), StatsInterval: setting.Duration(5 * time.Second)},
		Logs:   AdminLogs{MaxSubscribers: 100},
		Tap:    AdminTap{MaxClients: 10, Rate: 100, MaxRate: 1000, MaxSize: 64 << 10},
	}
}
