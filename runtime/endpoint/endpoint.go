// Package endpoint is where connectors listen and connect to, as flows write it:
// "127.0.0.1:4242", "wss://example.org/live?token=…". A [URL] is read once, checked
// as far as all connectors need it, and shown without what may be secret in it. It
// is a kind of field of their configurations.
package endpoint

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

const redacted = "(secret)"

var errEmpty = errors.New("the URL is empty: write \"host:port\" or \"scheme://host:port/path\"")

// URL is where a connector listens or connects to: "host:port", or
// "scheme://host:port/path?query". The zero URL is none.
type URL struct {
	Scheme string // in lower case; empty when none was written
	Host   string // name or IP address, without brackets
	Port   int    // NoPort when none was written
	Path   string // "" or "/…"
	Query  string // without "?"
	User   *url.Userinfo
}

// NoPort is the port of a URL that names none.
const NoPort = -1

// OrPort returns the URL with port where it names none.
func (u URL) OrPort(port int) URL {
	if u.Port == NoPort {
		u.Port = port
	}
	return u
}

// UnmarshalText parses and checks the parts that every connector needs.
func (u *URL) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if s == "" {
		return errEmpty
	}
	withScheme := s
	if !strings.Contains(s, "://") {
		withScheme = "none://" + s
	}
	p, err := url.Parse(withScheme)
	if err != nil {
		// url.Error repeats its input, which may hold a password.
		if cause := (*url.Error)(nil); asURLError(err, &cause) {
			err = cause.Err
		}
		if strings.Contains(s, "@") { // what is no port may be a part of the password
			return errors.New("not a URL: in a user and a password, # is written %23, / is %2F, ? is %3F and @ is %40")
		}
		return fmt.Errorf("not a URL: %w", err)
	}
	if strings.Contains(s, "#") { // behind it may be the rest of a password
		return errors.New("a URL of a connection has no fragment: in a user, a password or a query, # is written %23")
	}
	*u = URL{Scheme: strings.ToLower(p.Scheme), Host: p.Hostname(), Path: p.Path, Query: p.RawQuery, User: p.User, Port: NoPort}
	if u.Scheme == "none" && withScheme != s {
		u.Scheme = ""
	}
	if port := p.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return fmt.Errorf("port %s is not between 0 and 65535", port)
		}
		u.Port = int(n)
	} else if strings.HasSuffix(p.Host, ":") || (u.Host == "" && p.Host == "") {
		return fmt.Errorf("%q has no host and port: write \"host:port\" or \"scheme://host:port/path\"", redactURL(s))
	}
	return nil
}

func asURLError(err error, target **url.Error) bool {
	e, ok := err.(*url.Error) //nolint:errorlint // url.Parse returns it unwrapped
	*target = e
	return ok
}

// Addr is "host:port" to listen on or connect to.
func (u URL) Addr() string { return net.JoinHostPort(u.Host, strconv.Itoa(u.Port)) }

// IsZero reports whether there is no URL.
func (u URL) IsZero() bool { return u == URL{} }

// String spells the URL for people and logs: without password, and with the
// values of its query hidden, since tokens travel there.
func (u URL) String() string {
	var b strings.Builder
	if u.Scheme != "" {
		b.WriteString(u.Scheme + "://")
	}
	if u.User != nil {
		b.WriteString(u.User.Username() + ":" + redacted + "@")
	}
	if u.Port == NoPort {
		host := u.Host
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		b.WriteString(host)
	} else {
		b.WriteString(u.Addr())
	}
	b.WriteString(u.Path)
	if u.Query != "" {
		b.WriteString("?" + redacted)
	}
	return b.String()
}

// Reveal spells the URL in full under the given scheme, credentials left out:
// they belong into a header.
func (u URL) Reveal(scheme string) string {
	host := u.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Port != NoPort {
		host = u.Addr()
	}
	return (&url.URL{Scheme: scheme, Host: host, Path: u.Path, RawQuery: u.Query}).String()
}

// redactURL cuts what may be secret from a text that could not be parsed.
func redactURL(s string) string {
	s, _, _ = strings.Cut(s, "?")
	if i := strings.LastIndex(s, "@"); i >= 0 {
		return redacted + s[i:]
	}
	return s
}
