package setting

import (
	"errors"
	"strings"
)

// Error is an error that concerns one argument of a configuration.
type Error struct {
	Field string // dotted path from the block: "tls.cert"
	Err   error
}

// Error describes the problem, without the field: the diagnostic points at it.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Within says of errors about arguments of a block that is itself inside of another,
// joined ones, too, where that is: "cert" of "tls" is "tls.cert".
func Within(block string, err error) error {
	if several, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // only what was joined
		var all []error
		for _, one := range several.Unwrap() {
			all = append(all, Within(block, one))
		}
		return errors.Join(all...)
	}
	if fe := (*Error)(nil); errors.As(err, &fe) {
		return &Error{Field: strings.TrimSuffix(block+"."+fe.Field, "."), Err: fe.Err}
	}
	return &Error{Field: block, Err: err}
}
