package setting

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time in a flow: "500ms", "1h30m", never negative.
type Duration time.Duration

// UnmarshalText parses the spelling of Go, and days as "2d".
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			*d = Duration(n) * Duration(24*time.Hour)
			return nil
		}
	}
	t, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a duration: write a number with a unit, like \"500ms\", \"10s\" or \"1h\"", s)
	case t < 0:
		return fmt.Errorf("%q is a negative duration", s)
	}
	*d = Duration(t)
	return nil
}

// String spells d so that UnmarshalText reads it: "1m30s" rather than "1m30.0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	s, _ = strings.CutSuffix(s, "m0s")
	if s != time.Duration(d).String() {
		s += "m"
	}
	if h, ok := strings.CutSuffix(s, "h0m"); ok {
		s = h + "h"
	}
	return s
}

// Size is a number of bytes in a flow: "64KiB", "1MiB", "1MB", "512", "512B".
type Size int64

var sizeUnits = []struct {
	name string
	n    int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"kB", 1e3},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
	{"", 1},
}

// UnmarshalText parses a whole number with an optional unit.
func (z *Size) UnmarshalText(text []byte) error {
	s := string(text)
	digits := strings.TrimRight(s, "KMGTkiB")
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err == nil && n >= 0 {
		unit := s[len(digits):]
		for _, u := range sizeUnits {
			if u.name == unit && n <= (1<<62)/u.n {
				*z = Size(n * u.n)
				return nil
			}
		}
	}
	return fmt.Errorf("%q is not a size: write a whole number with a unit, like \"512B\", \"64KiB\" or \"1MB\"", s)
}

// String spells z with the largest unit that is exact.
func (z Size) String() string {
	for _, u := range []int{3, 2, 1, 0} {
		if n := sizeUnits[u].n; int64(z) >= n && int64(z)%n == 0 {
			return strconv.FormatInt(int64(z)/n, 10) + sizeUnits[u].name
		}
	}
	return strconv.FormatInt(int64(z), 10) + "B"
}
