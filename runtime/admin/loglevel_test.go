package admin

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/flowrun/flowrun/runtime/setting"
)

func TestLogLevel(t *testing.T) {
	var out bytes.Buffer
	level := zap.NewAtomicLevelAt(zapcore.ErrorLevel)
	o := new(told).options(setting.SecretOf("secret"))
	o.Level, o.Log = &level, zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(zapcore.EncoderConfig{MessageKey: "m"}), zapcore.AddSync(&out), level))
	s := start(t, o)
	for _, test := range []struct{ method, body, want string }{
		{"GET", "", `200 {"level":"error"}`},
		{"PUT", `{"level":"debug"}`, `200 {"level":"debug"}`},
		{"PUT", `{"level":"loud"}`, `400 unknown_level`},
		{"PUT", `{"level":"fatal"}`, `400 unknown_level`},
		{"PUT", `{"lvel":"warn"}`, `400 body_invalid`},
		{"PUT", `{"level":"warn"}`, `200 {"level":"warn"}`},
		{"POST", `{"level":"warn"}`, `405 method_not_allowed`},
		{"GET", "", `200 {"level":"warn"}`},
	} {
		r, err := http.NewRequest(test.method, "http://"+s.Addr()+"/api/v1/loglevel", strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "secret")
		answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		got := fmt.Sprint(answer.StatusCode, " ", strings.Join(strings.Fields(string(text)), ""))
		if code, body, _ := strings.Cut(test.want, " "); !strings.HasPrefix(got, code) || !strings.Contains(got, body) {
			t.Errorf("%s %s: %s, want %s", test.method, test.body, got, test.want)
		}
	}
	if got := out.String(); strings.Count(got, "told by the admin API") != 2 {
		t.Errorf("both changes are logged, whatever the level was: %q", got)
	}
}
