package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/manage"
	"github.com/flowrun/flowrun/runtime/admin"
	"github.com/flowrun/flowrun/runtime/flow"
)

// adminFlags are those of a process that serves the admin API.
type adminFlags struct {
	address, tokens string
}

func (a *adminFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.address, "admin", "", "serve health and the admin API at this `address`, like 127.0.0.1:8686")
	cmd.Flags().StringVar(&a.tokens, "admin-tokens", "", "`file` with the tokens of the admin API, a line each, which may be {SHA256} and the digest")
}

// serve begins to serve, and says where.
func (a *adminFlags) serve(o admin.Options, stderr io.Writer) (*admin.Server, error) {
	o.Address, o.TokensFile, o.Build = a.address, flow.Path(a.tokens), admin.Build(readBuild())
	if token := os.Getenv(manage.TokenVariable); token != "" {
		o.Tokens = []flow.Secret{flow.SecretOf(token)}
	}
	s, err := admin.New(o)
	if err != nil {
		return nil, usage("--admin: %w", err)
	}
	if err := s.Start(); err != nil {
		return nil, fmt.Errorf("--admin: %w", err)
	}
	fmt.Fprintf(stderr, "flowrun: the admin API listens on http://%s\n", s.Addr())
	return s, nil
}
