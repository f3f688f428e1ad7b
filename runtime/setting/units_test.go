package setting

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"500ms": 500 * time.Millisecond, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "0s": 0, "1m30s": 90 * time.Second,
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || time.Duration(d) != want {
			t.Errorf("%s: %v, %v", text, time.Duration(d), err)
		}
	}
	for _, text := range []string{"", "5", "-1s", "ten seconds", "999999999999h", "-1d"} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a duration: %v", text, d)
		}
	}
	for want, d := range map[string]time.Duration{"1m": time.Minute, "1h": time.Hour, "1h30m": 90 * time.Minute, "10s": 10 * time.Second, "1m30s": 90 * time.Second, "500ms": 500 * time.Millisecond} {
		if got := Duration(d).String(); got != want {
			t.Errorf("%v is spelled %s, want %s", d, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{"64KiB": 65536, "1MiB": 1 << 20, "1MB": 1e6, "512": 512, "512B": 512, "0": 0, "3 GiB": 3 << 30} {
		var z Size
		if err := z.UnmarshalText([]byte(text)); err != nil || z != want {
			t.Errorf("%s: %d, %v", text, z, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5MiB", "64 kilobytes", "KiB", "99999999999TiB", "1Bi"} {
		var z Size
		if err := z.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a size: %d", text, z)
		}
	}
	for want, z := range map[string]Size{"64KiB": 65536, "1MiB": 1 << 20, "1000000B": 1e6, "0B": 0} {
		if z.String() != want {
			t.Errorf("%d is spelled %s, want %s", z, z, want)
		}
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	s := SecretOf("hush")
	j, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprint(s, string(j)) + fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, struct{ S Secret }{s})
	if strings.Contains(shown, "hush") || s.Reveal() != "hush" {
		t.Errorf("shown as %s", shown)
	}
}

func FuzzFields(f *testing.F) {
	for _, s := range []string{"500ms", "64KiB", "2d", "512"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var d Duration
		if d.UnmarshalText([]byte(s)) == nil {
			var again Duration
			if err := again.UnmarshalText([]byte(d.String())); err != nil || again != d {
				t.Errorf("%q is spelled %s, which is %v, %v", s, d, again, err)
			}
		}
		var z Size
		if z.UnmarshalText([]byte(s)) == nil {
			var again Size
			if err := again.UnmarshalText([]byte(z.String())); err != nil || again != z {
				t.Errorf("%q is spelled %s, which is %v, %v", s, z, again, err)
			}
		}
	})
}
