package message

import (
	"fmt"
	"strings"
)

// Unexpected is the error of a step that met something else: in lines, of
// which the first is what is wrong.
type Unexpected struct {
	What     string
	Expected []string
	Got      string
	Notes    []string
}

func (u *Unexpected) Error() string {
	var b strings.Builder
	b.WriteString(u.What)
	for i, e := range u.Expected {
		title := "expected"
		if i > 0 {
			title = "and"
		}
		fmt.Fprintf(&b, "\n  %-8s  %s", title, e)
	}
	if u.Got != "" {
		fmt.Fprintf(&b, "\n  %-8s  %s", "got", u.Got)
	}
	for _, n := range u.Notes {
		fmt.Fprintf(&b, "\n  %-8s  %s", "", n)
	}
	return b.String()
}
