package source

import "testing"

func TestNearest(t *testing.T) {
	for given, want := range map[string]string{
		"max_retry":     "max_retries",
		"max_retry_aft": "max_retry_after",
		"pasive":        "passive",
		"psasive":       "passive",
		"MAX-EVENTS":    "max_events",
		"passthru":      "passthrough",
		"urls":          "url",
		"something":     "",
		"passive":       "",
	} {
		if got := Nearest(given, []string{"url", "max_retry_after", "max_retries", "max_events", "passive", "passthrough"}); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}
