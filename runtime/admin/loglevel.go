package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// LogLevel is the lowest level that is logged: debug, info, warn or error.
type LogLevel struct {
	Level string `json:"level"`
}

var logLevels = []string{"debug", "info", "warn", "error"}

func (s *Server) logLevel(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, LogLevel{s.options.Level.String()})
}

// setLogLevel changes what is logged, from this moment on and until the process ends.
// That is logged at the more talkative of the two levels.
func (s *Server) setLogLevel(w http.ResponseWriter, r *http.Request) {
	var to LogLevel
	if !decode(w, r, &to) {
		return
	}
	level, err := zapcore.ParseLevel(to.Level)
	if err != nil || !slices.Contains(logLevels, to.Level) {
		fail(w, http.StatusBadRequest, "unknown_level", fmt.Sprintf("there is no log level %q: the levels are %s", to.Level, strings.Join(logLevels, ", ")))
		return
	}
	if level < s.options.Level.Level() {
		s.options.Level.SetLevel(level)
	}
	s.told(r, "log", zap.String("from_level", to.Level))
	s.options.Level.SetLevel(level)
	s.logLevel(w, r)
}
