package acceptance

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/usage"
	"github.com/flowrun/flowrun/tests/wire"
)

// TestMembers runs the example in which only members may speak, each under the
// name that was verified.
func TestMembers(t *testing.T) {
	run := start(t, "", example(t, "members.hcl"), "--var", "url=ws://127.0.0.1:0/room")
	addr := run.address("room")
	enter := func(path string) *wire.Conn {
		c, err := wire.Dial(withPatience(t), addr, path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	ada, bob := enter("/room?key=ada-key"), enter("/room?key=bob-key")
	for _, c := range []*wire.Conn{ada, bob} {
		if err := taken(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := bob.Send(0x81, []byte(`{"text":"hello","from":"ada"}`)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*wire.Conn{ada, bob} {
		if err := expect(c, `{"from":"bob","host":false,"text":"hello"}`); err != nil {
			t.Error(err)
		}
	}
	if _, err := wire.Dial(withPatience(t), addr, "/room?key=guess-key"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a stranger: %v", err)
	}
	run.logged("the refusal", func(text string) bool {
		return strings.Contains(text, "handshake refused: the token is not a known one") && !strings.Contains(text, "-key")
	})
}

// TestRefusalsCostLess compares what the process spends on handshakes that it
// refuses with what it spends on those that it accepts, for every kind of check:
// a flood of strangers must not be worse than a crowd of guests.
func TestRefusalsCostLess(t *testing.T) {
	run := start(t, "", example(t, "members.hcl"), "--var", "url=ws://127.0.0.1:0/room")
	addr := run.address("room")
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtYWxsb3J5IiwiYXVkIjoicm9vbSIsImV4cCI6NDA3MDkwODgwMH0.c2lnbmVkIHdpdGggYW5vdGhlciBzZWNyZXQsIG9yIG5vdCA"
	kinds := []struct{ name, path string }{
		{"accepted", "/room?key=ada-key"},
		{"a wrong key", "/room?key=guess-key"},
		{"a forged token", "/room?access_token=" + token},
		{"no credentials", "/room"},
	}
	spent := make([]time.Duration, len(kinds))
	// By turns, so that they share what the machine does meanwhile, and more of them
	// where it does not let itself be measured.
	const least, most = 5, 40
	turns := 0
	for ; turns < least || slices.Max(spent[1:]) >= spent[0] && turns < most; turns++ {
		for i, kind := range kinds {
			before, err := usage.CPU(run.PID())
			if err != nil {
				t.Skip(err)
			}
			for range 200 {
				c, err := wire.Dial(withPatience(t), addr, kind.path)
				if (err == nil) != (i == 0) {
					t.Fatalf("%s: %v", kind.name, err)
				}
				if err == nil {
					if err := leaves(c); err != nil {
						t.Fatal(err)
					}
					_ = c.Close()
				}
			}
			after, err := usage.CPU(run.PID())
			if err != nil {
				t.Fatal(err)
			}
			spent[i] += after - before
		}
	}
	for i, kind := range kinds {
		ratio := float64(spent[i]) / float64(spent[0])
		t.Logf("%s: %v for a handshake, %.2f of an accepted one", kind.name, spent[i]/time.Duration(200*turns), ratio)
		if i > 0 && ratio >= 1 {
			t.Errorf("%s costs %.2f of what an accepted handshake costs", kind.name, ratio)
		}
	}
}
