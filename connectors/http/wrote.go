package http

import (
	"fmt"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors/http/internal/wrote"
	"github.com/flowrun/flowrun/runtime/flow"
)

// typeName is what the connector is called, and what its events and its answers
// have their meta under.
const typeName = "http_server"

// answerHeaders are those that the answer itself needs.
var answerHeaders = []string{"Connection", "Content-Length", "Date", "Keep-Alive", "Trailer", "Transfer-Encoding", "Upgrade"}

// checkWrote checks what a flow writes into meta.http_server of a reply.
var checkWrote = wrote.Checks{
	"status":  checkStatus,
	"headers": wrote.Headers("the answer", answerHeaders),
	"more":    wrote.Bool,
	"close":   wrote.Bool,
	"sse":     checkFields,
}.Of(typeName)

func checkStatus(v flow.Value) error {
	if v.Kind() != flow.Int || v.Int() < 200 || v.Int() > 599 {
		return fmt.Errorf("a status is a number from 200 to 599")
	}
	return nil
}

// checkFields checks the fields of a Server-Sent Event.
func checkFields(v flow.Value) error {
	if err := wrote.Object(v); err != nil {
		return err
	}
	for _, f := range v.Object().Fields() {
		switch {
		case f.Value.IsNull():
		case f.Key == "retry":
			if f.Value.Kind() != flow.Int || f.Value.Int() < 0 || f.Value.Int() > int64(24*time.Hour/time.Millisecond) {
				return fmt.Errorf("retry is a number of milliseconds, up to a day")
			}
		case f.Key != "event" && f.Key != "id":
			return fmt.Errorf("a Server-Sent Event has event, id and retry, and no %q", f.Key)
		case f.Value.Kind() != flow.Text || strings.ContainsAny(f.Value.Text(), "\n\r\x00"):
			return fmt.Errorf("%s is a string of one line", f.Key)
		}
	}
	return nil
}

// wroteOf is what the flow has written about a reply.
func wroteOf(meta *flow.Object) wrote.Wrote { return wrote.Of(meta, typeName) }

// statusOf is 0 when the flow says none.
func statusOf(w wrote.Wrote) int {
	if v := w.Get("status"); v.Kind() == flow.Int {
		return int(v.Int())
	}
	return 0
}
