package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/manage"
	"github.com/flowrun/flowrun/runtime/admin"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
)

// adminFlags are those of a process that serves the admin API.
type adminFlags struct {
	address, tokens string
	origins         []string
}

func (a *adminFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.address, "admin", "", "serve health, metrics and the admin API at this `address`, like 127.0.0.1:8686")
	cmd.Flags().StringSliceVar(&a.origins, "admin-origins", nil, "`origins` of pages that may use the admin API from a browser, like https://ops.example.org; again for more")
	cmd.Flags().StringVar(&a.tokens, "admin-tokens", "", "`file` with the tokens of the admin API, a line each, which may be {SHA256} and the digest, then sub=NAME roles=read,tap,control")
}

// settings are those of the flow that has any, and what the command line and the
// environment say.
func (a *adminFlags) settings(files []*flowfile.File) flowfile.Admin {
	s := adminOf(files)
	if a.address != "" {
		s.Address = a.address
	}
	if a.tokens != "" {
		s.TokensFile = setting.Path(a.tokens)
	}
	if len(a.origins) > 0 {
		s.Origins = a.origins
	}
	if token := os.Getenv(manage.TokenVariable); token != "" {
		s.Tokens = append(s.Tokens[:len(s.Tokens):len(s.Tokens)], setting.SecretOf(token))
	}
	return s
}

func adminOf(files []*flowfile.File) flowfile.Admin {
	for _, f := range files {
		if f.Admin != nil {
			return *f.Admin
		}
	}
	return flowfile.DefaultAdmin()
}

// sameAdmin reports whether nothing is to be set up anew.
func sameAdmin(a, b flowfile.Admin) bool {
	same := maps.EqualFunc(a.Hashes, b.Hashes, flow.Value.Equal)
	a.Hashes, b.Hashes = nil, nil
	return same && reflect.DeepEqual(a, b)
}

// serve begins to serve where anything says so, and tells where: the flows have to
// listen elsewhere.
func (a *adminFlags) serve(files []*flowfile.File, o admin.Options, taken func(at, by string), stderr io.Writer) (stop func(), err error) {
	settings := a.settings(files)
	if settings.Address == "" {
		return func() {}, nil
	}
	o.Settings, o.Build = settings, admin.Build(readBuild())
	s, err := admin.New(o)
	if err != nil && a.address == "" {
		return nil, &command.Exit{Code: command.ExitConfig, Err: err}
	}
	if err != nil {
		return nil, &command.Exit{Code: command.ExitUsage, Err: err}
	}
	if err := s.Start(); err != nil {
		return nil, err
	}
	taken(s.Addr(), "the admin API")
	fmt.Fprintf(stderr, "flowrun: the admin API listens on %s\n", s.URL())
	return s.Close, nil
}
