package admin

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/flowrun/flowrun/runtime/setting"
)

// TestStreamsEndWithTheirToken takes tokens out of the file, or a role from them: the
// streams that were opened with them end, those of others do not.
func TestStreamsEndWithTheirToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	write("gone sub=a roles=read\nless sub=b roles=read\nstays sub=c roles=read\n")
	o := new(told).options()
	o.Settings.TokensFile = setting.Path(file)
	o.Settings.Events.MaxClients, o.Settings.Logs.MaxSubscribers, o.Settings.Events.ReadTimeout = 10, 10, setting.Duration(1<<40)
	s := start(t, o)
	defer http.DefaultClient.CloseIdleConnections()

	listen := func(token string) *bufio.Reader {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/api/v1/logs/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		lines := bufio.NewReader(answer.Body)
		if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "connected") {
			t.Fatalf("%q, %v", line, err)
		}
		return lines
	}
	socket, _, err := websocket.Dial(t.Context(), s.URL()+"/api/v1/ws?token=gone", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.CloseNow()
	stays, _, err := websocket.Dial(t.Context(), s.URL()+"/api/v1/ws?token=stays", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stays.CloseNow()
	less := listen("less")

	write("less sub=b roles=control\nstays sub=c roles=read\n")
	if _, _, err := socket.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("a WebSocket whose token is gone ends with %v", err)
	}
	if _, err := io.Copy(io.Discard, less); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a stream whose token may no more ends with %v", err)
	}
	if err := stays.Write(t.Context(), websocket.MessageText, []byte("ping")); err != nil {
		t.Error(err)
	}
	if _, text, err := stays.Read(t.Context()); err != nil || string(text) != "pong" {
		t.Errorf("one whose token stays: %q, %v", text, err)
	}
}
