package source

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the name of names that given was probably meant to be, or "".
func Nearest(given string, names []string) string {
	names = slices.Sorted(slices.Values(names))
	plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	best, bestDistance := "", 1+max(1, len(given)/3)
	for _, name := range names {
		d := distance(plain(given), plain(name))
		if name != given && d < bestDistance && d < len(name) {
			best, bestDistance = name, d
		}
	}
	return best
}

// distance counts two letters in the wrong order, a word cut short or drawn out, and
// one instead of several, as one mistake, and an abbreviation as two.
func distance(a, b string) int {
	if a != b && (several(a) == b || several(b) == a) {
		return 1
	}
	if short := min(len(a), len(b)); short > 2 && a != b && a[:short] == b[:short] {
		return 1
	}
	d := levenshtein.Distance(a, b, nil)
	if d == 2 && len(a) == len(b) {
		for i := range len(a) - 1 {
			if a[:i] == b[:i] && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] {
				return 1
			}
		}
	}
	if d > 2 && abbreviates(a, b) {
		return 2
	}
	return d
}

// several is the plural of a word that ends with y.
func several(word string) string {
	if one, ok := strings.CutSuffix(word, "y"); ok {
		return one + "ies"
	}
	return word
}

// abbreviates reports whether short is a word without some letters, a third of
// them at most: passthru for passthrough.
func abbreviates(short, word string) bool {
	if len(short) < 3 || 3*len(short) < 2*len(word) {
		return false
	}
	rest := short
	for i := 0; i < len(word) && rest != ""; i++ {
		if word[i] == rest[0] {
			rest = rest[1:]
		}
	}
	return rest == ""
}

const shortList = 12 // so many names are listed where none is near

// DidYouMean is a hint for a name that is none of names.
func DidYouMean(given string, names []string) string {
	if best := Nearest(given, names); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return oneOf(names)
}

// DidYouMeanRef is DidYouMean for names that are written behind a prefix.
func DidYouMeanRef(given, prefix string, names []string) string {
	if best := Nearest(given, names); best != "" {
		return "did you mean " + prefix + best + "?"
	}
	if len(names) == 0 || len(names) > shortList {
		return ""
	}
	list := slices.Sorted(slices.Values(names))
	for i := range list {
		list[i] = prefix + list[i]
	}
	return there(list)
}

func oneOf(names []string) string {
	if len(names) == 0 || len(names) > shortList {
		return ""
	}
	return there(slices.Sorted(slices.Values(names)))
}

func there(names []string) string {
	if len(names) == 1 {
		return "there is " + names[0]
	}
	return "there are " + strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
