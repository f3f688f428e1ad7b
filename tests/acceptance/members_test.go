package acceptance

import (
	"strings"
	"testing"

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
