package http

import (
	"fmt"
	"net/http"
	"time"

	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
)

// typeName is what the connector is called, and what its events and its answers
// have their meta under.
const typeName = "http_server"

// answerHeaders are those that the answer itself needs.
var answerHeaders = []string{"Connection", "Content-Length", "Date", "Keep-Alive", "Trailer", "Transfer-Encoding", "Upgrade"}

// checkWrote checks what a flow writes into meta.http_server of a reply.
func checkWrote(v flow.Value) error {
	for _, f := range v.Object().Fields() {
		check := checks[f.Key]
		if check == nil || f.Value.IsNull() {
			continue
		}
		if err := check(f.Value); err != nil {
			return fmt.Errorf("meta.http_server.%s: %w", f.Key, err)
		}
	}
	return nil
}

var checks = map[string]func(flow.Value) error{
	"status":  checkStatus,
	"headers": checkHeaders,
	"more":    checkBool,
	"close":   checkBool,
	"sse":     checkFields,
}

func checkStatus(v flow.Value) error {
	if v.Kind() != flow.Int || v.Int() < 200 || v.Int() > 599 {
		return fmt.Errorf("a status is a number from 200 to 599")
	}
	return nil
}

func checkBool(v flow.Value) error {
	if v.Kind() != flow.Bool {
		return fmt.Errorf("it is true or false, not %s", v.Kinds())
	}
	return nil
}

// checkHeaders checks an object of strings, or of lists of them.
func checkHeaders(v flow.Value) error {
	if v.Kind() != flow.Map {
		return fmt.Errorf("it is an object, not %s", v.Kinds())
	}
	for _, f := range v.Object().Fields() {
		for _, value := range several(f.Value) {
			if value.Kind() != flow.Text {
				return fmt.Errorf("the header field %q is a string, or a list of strings, not %s", f.Key, value.Kinds())
			}
			if err := endpoint.CheckHeader(f.Key, value.Text(), "the answer", answerHeaders); err != nil {
				return err
			}
		}
	}
	return nil
}

// several is a list, or a list of one; empty for null.
func several(v flow.Value) []flow.Value {
	switch v.Kind() {
	case flow.Null:
		return nil
	case flow.List:
		return v.List()
	}
	return []flow.Value{v}
}

// checkFields checks the fields of a Server-Sent Event.
func checkFields(v flow.Value) error {
	if v.Kind() != flow.Map {
		return fmt.Errorf("it is an object, not %s", v.Kinds())
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
		case f.Value.Kind() != flow.Text || !oneLine(f.Value.Text()):
			return fmt.Errorf("%s is a string of one line", f.Key)
		}
	}
	return nil
}

func oneLine(s string) bool {
	for i := range len(s) {
		if s[i] == '\n' || s[i] == '\r' || s[i] == 0 {
			return false
		}
	}
	return true
}

// wrote is what a flow has written about a reply; the zero wrote is nothing.
type wrote struct{ under *flow.Object }

// wroteOf finds it in the meta of a frame, which has been checked.
func wroteOf(meta *flow.Object) wrote {
	if meta == nil {
		return wrote{}
	}
	v, _ := meta.Get(typeName)
	return wrote{v.Object()}
}

func (w wrote) get(name string) flow.Value {
	if w.under == nil {
		return flow.NullValue
	}
	v, _ := w.under.Get(name)
	return v
}

// status is 0 when the flow says none.
func (w wrote) status() int {
	if v := w.get("status"); v.Kind() == flow.Int {
		return int(v.Int())
	}
	return 0
}

func (w wrote) is(name string) bool {
	v := w.get(name)
	return v.Kind() == flow.Bool && v.Bool()
}

// addTo sets the header fields that the flow has written.
func (w wrote) addTo(h http.Header) {
	for _, f := range w.get("headers").Object().Fields() {
		h.Del(f.Key)
		for _, value := range several(f.Value) {
			h.Add(f.Key, value.Text())
		}
	}
}
