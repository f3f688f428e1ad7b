package flow

// Admin says where the process serves its management API, and to whom.
type Admin struct {
	Address    string   `hcl:"address" doc:"where the process serves health, metrics and the API of its management: \"127.0.0.1:8686\". Without it, nowhere. What --admin says comes before it"`
	Tokens     []Secret `hcl:"tokens" doc:"who shows one of these may see everything, reload and drain. Without tokens, the address must be of this machine alone, and nothing can be changed"`
	TokensFile Path     `hcl:"tokens_file" doc:"file with a line for each token, which may be {SHA256} and the digest in hex or base64; lines that begin with # are comments. It is read again when it changes. What --admin-tokens says comes before it"`
}
