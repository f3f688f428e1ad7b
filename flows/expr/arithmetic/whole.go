package arithmetic

import (
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Whole returns the integer that v is, however it is spelled. what names it in
// the error.
func Whole(v flow.Value, what string) (int64, error) {
	switch v = plain(v); v.Kind() {
	case flow.Int:
		return v.Int(), nil
	case flow.Float:
		if f := v.Float(); f == float64(int64(f)) && f > -1<<53 && f < 1<<53 {
			return int64(f), nil
		}
	}
	return 0, fmt.Errorf("%s must be a whole number of 64 bits", what)
}

// Within is [Whole] between least and most, both included.
func Within(v flow.Value, what string, least, most int64) (int, error) {
	i, err := Whole(v, what)
	if err == nil && (i < least || i > most) {
		err = fmt.Errorf("%s must be between %d and %d", what, least, most)
	}
	return int(i), err
}
