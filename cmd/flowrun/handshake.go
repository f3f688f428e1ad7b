package main

import (
	"net/http"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/dial"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/load"
	"github.com/flowrun/flowrun/runtime/setting"
)

// handshake is how clients present themselves to a server: the flags that dial
// and bench share.
type handshake struct {
	headers []string
	auth    string
	tls     setting.TLSClient
}

func (h *handshake) flags(f *pflag.FlagSet, subprotocols *[]string) {
	f.StringArrayVarP(&h.headers, "header", "H", nil, "send a header `field` with the handshake: 'Name: value' (repeatable)")
	f.StringVar(&h.auth, "auth", "", "`user:password`, or a token")
	f.StringSliceVar(subprotocols, "subprotocol", nil, "ask for a sub-protocol by `name` (repeatable)")
	f.StringVar((*string)(&h.tls.CAFile), "cafile", "", "trust the authorities of a PEM `file`")
	f.StringVar((*string)(&h.tls.Cert), "cert", "", "show the certificate of a PEM `file`")
	f.StringVar((*string)(&h.tls.Key), "key", "", "private key of --cert, a PEM `file`")
	f.StringVar(&h.tls.Domain, "domain", "", "`name` that the server's certificate must carry")
	f.BoolVar(&h.tls.Insecure, "insecure", false, "accept any certificate of the server")
}

// fields are the header fields of the flags, and apart from them what --auth
// makes the Authorization, which may be empty.
func (h *handshake) fields() (fields http.Header, auth string, err error) {
	if fields, err = headerFields(h.headers); err == nil {
		auth, err = authorization(h.auth)
	}
	return fields, auth, err
}

// headerFields makes header fields of --header flags. What is in them is not
// told.
func headerFields(flags []string) (http.Header, error) {
	fields := http.Header{}
	for _, h := range flags {
		name, value, ok := strings.Cut(h, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, command.Usage("a --header is 'Name: value'")
		}
		value, err := revealed("--header "+name, strings.TrimSpace(value))
		if err != nil {
			return nil, err
		}
		if !load.IsToken(name) || strings.ContainsAny(value, "\r\n\x00") {
			return nil, command.Usage("--header %q: a name holds letters, digits and hyphens, and a value no line break", name)
		}
		fields.Add(name, value)
	}
	return fields, nil
}

// authorization makes a header field of an --auth flag; it is empty without one.
func authorization(flag string) (string, error) {
	auth, err := revealed("--auth", flag)
	switch {
	case err != nil || auth == "":
		return "", err
	case strings.Contains(auth, ":"):
		return dial.Basic(auth), nil
	}
	return "Bearer " + auth, nil
}

// revealed is value, or what the environment holds where value is $NAME.
func revealed(flag, value string) (string, error) {
	name, ok := strings.CutPrefix(value, "$")
	if !ok {
		return value, nil
	}
	v, ok := os.LookupEnv(name)
	if !ok {
		return "", command.Usage("%s: there is no environment variable %s", flag, name)
	}
	return v, nil
}
