package admin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Role is a part of what the API can do.
type Role string

// The roles. A token has those that it lists, and all when it lists none.
const (
	Read    Role = "read"    // see how the process is doing
	Tap     Role = "tap"     // see what passes in it
	Control Role = "control" // change what it does
)

var allRoles = []Role{Read, Tap, Control}

// Anybody stands in the table of routes for what needs no role and no token.
const Anybody Role = ""

// checkClaims says what is wrong with what is known of a token. A misspelt
// attribute must not leave it with all roles.
func checkClaims(claims *flow.Object) error {
	for _, f := range claims.Fields() {
		switch f.Key {
		case "sub":
			if f.Value.Kind() != flow.Text || f.Value.Text() == "" {
				return fmt.Errorf("sub is the name of who has the token, a string")
			}
		case "roles":
			if _, err := parseRoles(f.Value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("there is no attribute %q of a token: they are sub and roles", f.Key)
		}
	}
	return nil
}

// parseRoles reads "read", or a list of such.
func parseRoles(v flow.Value) (roles []Role, err error) {
	all := []flow.Value{v}
	if v.Kind() == flow.List {
		all = v.List()
	}
	for _, one := range all {
		role := Role(one.Text())
		if one.Kind() != flow.Text || !slices.Contains(allRoles, role) {
			return nil, fmt.Errorf("roles has what is no role: the roles are %s", spell(allRoles))
		}
		roles = append(roles, role)
	}
	return roles, nil
}

// rolesOf are those of a token that checkClaims has seen.
func rolesOf(claims *flow.Object) []Role {
	v, listed := claims.Get("roles")
	if !listed {
		return allRoles
	}
	roles, _ := parseRoles(v)
	return roles
}

func spell(roles []Role) string {
	var words []string
	for _, r := range roles {
		words = append(words, string(r))
	}
	return strings.Join(words, ", ")
}
