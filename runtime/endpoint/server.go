package endpoint

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// CheckServer reports what is wrong with a URL to listen on. scheme is that of
// the protocol without TLS, "ws" or "http"; whoever listens for WebSocket may say
// http, too. withTLS says whether there are a certificate and a key.
func (u URL) CheckServer(scheme string, withTLS bool) error {
	schemes := "http and https"
	if scheme != "http" {
		schemes = scheme + ", " + scheme + "s, " + schemes
	}
	switch u.Scheme {
	case scheme + "s", "https":
		if !withTLS {
			return fmt.Errorf("%s needs a tls block with cert and key", u.Scheme)
		}
	case scheme, "http":
		if withTLS {
			return fmt.Errorf("a tls block needs %ss, or no scheme, but the URL says %s", scheme, u.Scheme)
		}
	case "":
		if u.Port == NoPort {
			return errors.New("the URL has no port: write \"host:port\"")
		}
	default:
		return fmt.Errorf("scheme %q is not one of %s", u.Scheme, schemes)
	}
	switch {
	case u.User != nil:
		return errors.New("a URL to listen on holds no user and password")
	case u.Query != "":
		return errors.New("a URL to listen on holds no query: clients may send any")
	}
	return CheckPath(u.Path)
}

// CheckPath reports what net/http dislikes about a path with parameters, by
// panicking. The empty path is fine.
func CheckPath(path string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("path %s: a parameter is a whole part of the path, like /rooms/{id}", path)
			names := Params(path)
			for i, name := range names {
				if slices.Contains(names[:i], name) {
					err = fmt.Errorf("path %s has two parameters {%s}: give each a name of its own", path, name)
				}
			}
		}
	}()
	if path != "" {
		http.NewServeMux().Handle(path, http.NotFoundHandler())
	}
	return nil
}

// Params returns the names in a path like "/rooms/{id}".
func Params(path string) (names []string) {
	for part := range strings.SplitSeq(path, "/") {
		if inner, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(strings.TrimSuffix(inner, "}"), "..."))
		}
	}
	return names
}
