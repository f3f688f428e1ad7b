package endpoint

import (
	"fmt"
	"net/textproto"
	"slices"
	"strings"
)

// IsToken reports whether name is one by the grammar of RFC 9110 section 5.6.2:
// the name of a header field, or a method.
func IsToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	})
}

// CheckHeader checks a header field that a flow adds to something, called what:
// "the handshake". taken are those, in canonical form, that belong to it already.
// The value is not shown: it may be a secret.
func CheckHeader(name, value, what string, taken []string) error {
	switch {
	case !IsToken(name):
		return fmt.Errorf("%q is no name of a header field: it holds letters, digits and hyphens", name)
	case slices.Contains(taken, textproto.CanonicalMIMEHeaderKey(name)):
		return fmt.Errorf("the header field %s belongs to %s and cannot be set", name, what)
	case strings.ContainsAny(value, "\r\n\x00"):
		return fmt.Errorf("the value of the header field %s has a line break", name)
	}
	return nil
}
