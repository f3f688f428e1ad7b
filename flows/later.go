package flows

// What the language names and this version does not have: told apart from
// mistakes.
var (
	laterConnectors = []string{"kafka", "nats", "mqtt", "redis", "postgres"}
	laterProcessors = []string{"xz", "ingest_time", "chunk", "collect"}
	laterCommon     = []string{"singleton"}
	laterArguments  = map[string][]string{}
)
