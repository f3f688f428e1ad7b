package manage

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
)

const usualAddress = "127.0.0.1:8686"

// Flags are those of all commands that ask a running process.
type Flags struct {
	address, tokenFile, ca string
	JSON                   bool // the answer is wanted as JSON
}

// Register adds the flags to a command.
func (f *Flags) Register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.address, "admin", usualAddress, "`address` of the admin API: host and port, or https://host:port")
	cmd.Flags().StringVar(&f.tokenFile, "token-file", "", "take the token from the first line of a `file` (default: from the environment, "+TokenVariable+")")
	cmd.Flags().StringVar(&f.ca, "ca", "", "trust the certificates of this authority, a PEM `file`, for https (default: those of the system)")
	cmd.Flags().BoolVar(&f.JSON, "json", false, "print the answer as JSON")
}

// Client returns the client that the flags speak of. An error is about the command
// line.
func (f *Flags) Client() (c Client, err error) {
	if c.URL, err = f.url(); err != nil {
		return c, err
	}
	if f.ca != "" && !strings.HasPrefix(c.URL, "https:") {
		return c, command.Usage("--ca is for an API with TLS: write --admin https://%s", strings.TrimPrefix(c.URL, "http://"))
	}
	if c.TLS, err = tlsfiles.Client(&setting.TLSClient{CAFile: setting.Path(f.ca)}); err != nil {
		return c, fmt.Errorf("--ca: %w", err)
	}
	if c.Token, err = TokenOf(f.tokenFile); err != nil {
		return c, fmt.Errorf("--token-file: %w", err)
	}
	return c, nil
}

// url makes a URL of the address.
func (f *Flags) url() (string, error) {
	text := f.address
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" {
		return "", f.unusable()
	}
	if host, port, err := net.SplitHostPort(u.Host); err != nil || port == "" || host == "" {
		return "", f.unusable()
	}
	return u.Scheme + "://" + u.Host, nil
}

func (f *Flags) unusable() error {
	return command.Usage("--admin: %q is no address: write host and port, like %s, or https://host:port", f.address, usualAddress)
}
