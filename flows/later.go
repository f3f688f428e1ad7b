package flows

// What the language names and this version does not have: told apart from
// mistakes.
var (
	laterConnectors = []string{"tcp_server", "tcp_client", "udp_server", "udp_client", "unix_server", "unix_client", "http_client", "exec", "kafka", "nats", "mqtt", "redis", "postgres", "host"}
	laterProcessors = []string{"xz", "ingest_time", "chunk", "collect"}
	laterCommon     = []string{"singleton"}
	laterArguments  = map[string][]string{
		"ws_client": {"idle_interval"},
		"file":      {"follow", "rotate", "compression"},
		"queue":     {"persistent", "confirm"},
	}
)
