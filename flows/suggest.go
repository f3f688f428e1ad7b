package flows

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// nearest returns the name of names that given was probably meant to be, or "".
func nearest(given string, names []string) string {
	names = slices.Sorted(slices.Values(names))
	plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	best, bestDistance := "", 1+max(1, len(given)/3)
	for _, name := range names {
		d := levenshtein.Distance(plain(given), plain(name), nil)
		if name != given && d < bestDistance && d < len(name) {
			best, bestDistance = name, d
		}
	}
	return best
}

const shortList = 10 // so many names are listed where none is near

// didYouMean is a hint for a name that is none of names.
func didYouMean(given string, names []string) string {
	if best := nearest(given, names); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return oneOf(names)
}

// didYouMeanRef is didYouMean for names that are written behind a prefix.
func didYouMeanRef(given, prefix string, names []string) string {
	if best := nearest(given, names); best != "" {
		return "did you mean " + prefix + best + "?"
	}
	if len(names) == 0 || len(names) > shortList {
		return ""
	}
	list := slices.Sorted(slices.Values(names))
	for i := range list {
		list[i] = prefix + list[i]
	}
	return "there is " + strings.Join(list, ", ")
}

func oneOf(names []string) string {
	if len(names) == 0 || len(names) > shortList {
		return ""
	}
	return "there is " + strings.Join(slices.Sorted(slices.Values(names)), ", ")
}
