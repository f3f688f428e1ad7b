package call

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/setting"
)

// Statuses tell what an answer is worth.
type Statuses [600]Worth

// Worth is what an answer of some status is worth.
type Worth byte

// What answers are worth. A Failure is one for good.
const (
	Failure Worth = iota
	Success
	Again
)

// NewStatuses reads which statuses are a success, and after which a request is made
// again: "404", or "5xx" for all of those that are not named one by one. An error is a
// *setting.Error about one of the two arguments.
func NewStatuses(successOn, retryOn []string) (*Statuses, error) {
	s := &Statuses{}
	for _, alone := range []bool{false, true} { // what is said of one counts more
		for _, list := range []struct {
			field string
			texts []string
			worth Worth
		}{{"success_on", successOn, Success}, {"retry_on", retryOn, Again}} {
			for i, text := range list.texts {
				first, last, ok := span(text)
				var err error
				switch {
				case !ok:
					err = fmt.Errorf("%q is no status: write one like \"404\", or \"4xx\" for all that begin with a 4", text)
				case list.worth == Again && slices.Contains(successOn, text):
					err = fmt.Errorf("%q is in success_on, too: an answer is either good, or asked for again", text)
				}
				if err != nil {
					return nil, &setting.Error{Field: fmt.Sprintf("%s[%d]", list.field, i), Err: err}
				}
				for status := first; status <= last && (first == last) == alone; status++ {
					s[status] = list.worth
				}
			}
		}
	}
	return s, nil
}

// of is for any number that a server may send.
func (s *Statuses) of(status int) Worth {
	if status < 0 || status >= len(s) {
		return Failure
	}
	return s[status]
}

func span(text string) (first, last int, ok bool) {
	if class, all := strings.CutSuffix(text, "xx"); all && len(class) == 1 && class[0] >= '2' && class[0] <= '5' {
		first = int(class[0]-'0') * 100
		return first, first + 99, true
	}
	n, err := strconv.Atoi(text)
	return n, n, err == nil && len(text) == 3 && n >= 200 && n < 600
}
