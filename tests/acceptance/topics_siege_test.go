package acceptance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/tests/wire"
)

// rooms is a server where clients subscribe and publish as they like.
const rooms = `
connector "ws_server" "edge" {
  url           = "127.0.0.1:0"
  codec         = "json"
  max_message   = "256KiB"
  close_timeout = "200ms"
  limits {
    max_connections        = 64
    max_connections_per_ip = 32
  }
  queue {
    max_bytes     = "256KiB"
    write_timeout = "2s"
  }
  topics {
    subscribe   = event.join
    unsubscribe = event.leave
    match       = "glob"
    history {
      max_bytes = "4MiB"
    }
  }
}

connect "answer" {
  from  = connector.edge
  where = !has(event.to)
  to    = connector.edge
}

connect "publish" {
  from    = connector.edge
  where   = has(event.to)
  to      = connector.edge
  deliver = "topic"
  topic   = event.to
}

connector "file" "problems" {
  path           = "problems.ndjson"
  mode           = "truncate"
  codec          = "json"
  postprocessors = ["separate"]
}

connect "problems" {
  from = connector.edge.err
  to   = connector.problems
}
`

// Messages with very many topics or very long ones, patterns that are hard to
// match, histories that nobody reads: they cost what a message may cost, and the
// client beside is answered.
func TestTopicsUnderSiege(t *testing.T) {
	many := make([]string, 40_000)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	same := make([]string, 50_000)
	hard := make([]string, 100)
	for i := range hard {
		hard[i] = "*" + strings.Repeat("a", 100) + "?" + strings.Repeat("a", 100+i%50) + "b*" + fmt.Sprint(i)
	}
	text := func(v any) []byte {
		b, _ := json.Marshal(v) // of texts
		return b
	}
	type m = map[string]any
	for name, messages := range map[string][][]byte{
		"subscriptions":          {text(m{"join": many}), text(m{"leave": many})},
		"long subscriptions":     {text(m{"join": strings.Repeat("*", 200_000)}), text(m{"join": strings.Repeat("*a", 100)})},
		"published under many":   {text(m{"join": "*"}), text(m{"to": many})},
		"published under one":    {text(m{"join": []string{"*", "?", ""}}), text(m{"to": same})},
		"hard patterns":          {text(m{"join": hard}), text(m{"to": strings.Repeat("a", 200_000)}), text(m{"to": strings.Repeat("a", 255)})},
		"come and go":            {text(m{"join": many[:100]}), text(m{"leave": many[:100]})},
		"a history nobody reads": {text(m{"to": "a", "pad": strings.Repeat("x", 200_000)}), text(m{"join": "*"})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Of 64 connections each has a queue, a message that is read, and as
			// much that is made of it; and there is the history.
			const mib = 2*(64*3*256>>10+4) + 32
			siege{flow: rooms, mib: mib}.run(t, func(_ *flowrun, addr string) {
				each(t, *attackers, 20, func(i int) error {
					c, status, body, err := knock("127.0.0.2", addr, "/", "")
					switch {
					case err != nil || status == 429:
						return err
					case c == nil:
						return fmt.Errorf("the answer is %d %s", status, body)
					}
					defer c.Close()
					go func() { // until the server has had enough of who does not read
						for range 10 {
							for _, message := range messages {
								if c.Send(wire.Fin|wire.Text, message) != nil {
									return
								}
							}
						}
						_ = c.Send(wire.Fin|wire.Close, []byte{3, 232})
					}()
					if i%2 == 0 {
						parting(c)
					}
					return nil
				})
			})
		})
	}
}
