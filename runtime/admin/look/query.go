package look

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/engine"
)

// query is what a client asks for, and what it gets.
type query struct {
	Sample  float64 `json:"sample"`   // the share of events, of 1
	Rate    int     `json:"rate"`     // events a second at most
	Limit   int     `json:"limit"`    // events in all; 0 for no end
	MaxSize int     `json:"max_size"` // bytes of an event
}

// parameters are the names of what a query may say, beside the token.
var parameters = []string{"sample", "rate", "limit"}

func (s *Server) parse(values url.Values) (q query, refusal *access.Refusal) {
	q = query{Sample: 1, Rate: s.Settings.Rate, MaxSize: int(s.Settings.MaxSize)}
	for name, all := range values {
		var err error
		switch {
		case name == "token":
			continue // the guard has seen to it
		case !slices.Contains(parameters, name):
			return q, bad("there is no parameter %s: the parameters are %s", quoted(name), strings.Join(parameters, ", "))
		case len(all) != 1:
			return q, bad("%s is there %d times", name, len(all))
		case name == "sample":
			q.Sample, err = strconv.ParseFloat(all[0], 64)
			if err != nil || !(q.Sample > 0 && q.Sample <= 1) {
				return q, bad("sample is %s: write a share of the events, from above 0 to 1, like 0.01", quoted(all[0]))
			}
		case name == "rate":
			q.Rate, err = strconv.Atoi(all[0])
			if err != nil || q.Rate < 1 || q.Rate > s.Settings.MaxRate {
				return q, bad("rate is %s: write how many events a second, from 1 to %d (admin.tap.max_rate)", quoted(all[0]), s.Settings.MaxRate)
			}
		default:
			q.Limit, err = strconv.Atoi(all[0])
			if err != nil || q.Limit < 1 {
				return q, bad("limit is %s: write how many events in all, 1 or more", quoted(all[0]))
			}
		}
	}
	return q, nil
}

// maxQuoted is how much of what a client has written is said back to it.
const maxQuoted = 80

func quoted(text string) string {
	if len(text) > maxQuoted {
		return strconv.Quote(text[:maxQuoted]) + "…"
	}
	return strconv.Quote(text)
}

func bad(format string, args ...any) *access.Refusal {
	return &access.Refusal{Status: http.StatusBadRequest, Code: "bad_parameter", Message: fmt.Sprintf(format, args...)}
}

func notFound(message string) *access.Refusal {
	return &access.Refusal{Status: http.StatusNotFound, Code: "unknown_place", Message: message}
}

// find returns the place that a client names: with its flow, or without, if only one
// flow has such a place.
func (s *Server) find(name string) (at engine.NamedPlace, refusal *access.Refusal) {
	var found []string
	for _, p := range s.Places() {
		if name == string(p.Place) || name == p.String() {
			at, found = p, append(found, p.String())
		}
	}
	switch len(found) {
	case 1:
		return at, nil
	case 0:
		return at, notFound(fmt.Sprintf("events pass no place %s%s; they pass %s", quoted(name), s.didYouMean(name), list(s.shortest())))
	}
	return at, &access.Refusal{
		Status: http.StatusConflict, Code: "ambiguous_place",
		Message: fmt.Sprintf("several flows have a place %q: write %s", name, strings.Join(found, " or ")),
	}
}

// maxListed is how many places are listed to who has named none.
const maxListed = 40

func list(names []string) string {
	if more := len(names) - maxListed; more > 0 {
		return strings.Join(names[:maxListed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

// shortest lists all places, by the names that suffice.
func (s *Server) shortest() (names []string) {
	all := s.Places()
	count := map[string]int{}
	for _, p := range all {
		count[string(p.Place)]++
	}
	for _, p := range all {
		if count[string(p.Place)] == 1 {
			names = append(names, string(p.Place))
		} else {
			names = append(names, p.String())
		}
	}
	return names
}

func (s *Server) didYouMean(name string) string {
	if len(name) > maxQuoted {
		return ""
	}
	if best := s.Nearest(name, s.shortest()); best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ""
}
