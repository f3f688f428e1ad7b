package flows

// What the language names and this version does not have: told apart from
// mistakes.
var (
	laterConnectors = []string{"kafka", "nats", "mqtt", "redis", "postgres"}
	laterCommon     = []string{"singleton"}
	laterArguments  = map[string][]string{}
)
