package cli

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// languageEvent is what the expressions below are computed on.
const languageEvent = `{"a":1,"neg":-4,"half":2.5,"f":42.0,"big":12345678901234567890,"s":"text","num":"1","t":true,"n":null,` +
	`"list":[10,20,30],"o":{"z":1,"a":{"b":[1,2]}},"items":[{"p":1,"k":"x"},{"p":2,"k":"y"},{"p":3,"k":"x"}],"a-1":"odd"}`

// TestLanguage computes, from outside, an example of each rule that expressions
// per event have.
func TestLanguage(t *testing.T) {
	binary := built(t)
	const mistake, failure = "mistake: ", "failure: " // exit code 2, and 1
	for rule, rows := range map[string][][2]string{
		"types": {
			{`[for v in [event.n, event.t, event.a, event.half, event.s, bytes(event.s), event.list, event.o] : type(v)]`,
				`["null","bool","number","number","string","bytes","list","object"]`},
			{`event.f`, `42.0`},
			{`event.f + 0`, `42`},
			{`event.big`, `12345678901234567890`},
			{`[event.big, event.big == event.big]`, `[12345678901234567890,true]`},
			{`event.big + 1`, failure + `64 bits`},
			{`9223372036854775806 + event.a`, `9223372036854775807`},
			{`event.o`, `{"z":1,"a":{"b":[1,2]}}`},
			{`{ y = event.a, b = event.s, a = 0 }`, `{"y":1,"b":"text","a":0}`},
			{`bytes(event.s)`, `"dGV4dA=="`},
		},
		"missing": {
			{`event.nope`, `null`},
			{`event.nope.more[3].yet`, `null`},
			{`event.list[3]`, `null`},
			{`event.s.x`, `null`},
			{`event.n.x`, `null`},
			{`event.o["a"]["b"][1]`, `2`},
			{`event["a-1"]`, `"odd"`},
			{`event.a - 1`, `0`},
			{`has(event.n)`, `true`},
			{`has(event.nope)`, `false`},
			{`peer.id`, `null`},
			{`meta.ws_server.peer.id`, `null`},
		},
		"equality": {
			{`event.o == { a = { b = [1, 2] }, z = 1 }`, `true`},
			{`event.list == [10, 20.0, 30]`, `true`},
			{`event.a == 1.0`, `true`},
			{`event.num == 1`, `false`},
			{`event.num != 1`, `true`},
			{`event.n == event.nope`, `true`},
			{`event == "exit"`, `false`},
		},
		"order": {
			{`event.a < event.half && event.half <= 2.5 && event.a > -1 && event.a >= 1`, `true`},
			{`event.s > "tex" && event.s < "u"`, `true`},
			{`event.nope < 1`, `null`},
			{`event.s >= event.n`, `null`},
			{`event.s < event.a`, failure + `no order`},
			{`event.t < true`, mistake + `a bool`},
		},
		"arithmetic": {
			{`7 / 2`, `3.5`},
			{`event.neg / 2`, `-2`},
			{`(event.half + event.a) * 2 - 1`, `6`},
			{`event.neg % 3`, `-1`},
			{`-event.neg`, `4`},
			{`9223372036854775807 + event.a`, failure + `64 bits`},
			{`event.a / (event.a - 1)`, failure + `division by zero`},
			{`event.n + 1`, failure + `null`},
			{`event.nope * 2`, failure + `null`},
			{`event.s + 1`, failure + `a string`},
			{`1 / 0`, mistake + `division by zero`},
		},
		"logic": {
			{`event.t && !event.n`, `true`},
			{`event.nope || event.t`, `true`},
			{`event.nope && event.t`, `false`},
			{`event.t || event.s`, `true`},
			{`event.nope && event.s`, `false`},
			{`event.t && event.s`, failure + `event.s`},
			{`event.t ? event.s : event.a / (event.a - event.a)`, `"text"`},
			{`event.nope ? 1 : 2`, `2`},
			{`event.a ? 1 : 2`, failure + `event.a`},
		},
		"templates": {
			{`"${event.a}"`, `1`},
			{`"${event.o}"`, `{"z":1,"a":{"b":[1,2]}}`},
			{`"a ${event.a} ${event.f} ${event.half} ${event.t} ${event.n}."`, `"a 1 42.0 2.5 true ."`},
			{`"<${event.list}>"`, failure + `a list`},
			{`"<${event.o}>"`, failure + `an object`},
			{`"<${bytes(event.s)}>"`, failure + `bytes`},
			{`"%{ if event.t }yes%{ else }no%{ endif }, %{ for x in event.list }${x} %{ endfor }"`, `"yes, 10 20 30 "`},
			{"<<-END\n\tHello\n\t${event.s}\n\tEND\n", `"Hello\ntext\n"`},
		},
		"conversion": {
			{`[tostring(event.a), tostring(event.f), tostring(event.t)]`, `["1","42.0","true"]`},
			{`[tonumber(event.num), tonumber("1e3"), tobool("false")]`, `[1,1e3,false]`},
			{`upper(event.a)`, failure + `a number`},
			{`{ (event.a) = 1, (event.s) = 2 }`, `{"1":1,"text":2}`},
			{`tonumber(event.s)`, failure + `spells no number`},
		},
		"for, splat and index": {
			{`[for x in event.list : x + event.a if x != 20]`, `[11,31]`},
			{`[for i, x in event.list : i]`, `[0,1,2]`},
			{`{ for k, v in event.o : upper(k) => v }`, `{"Z":1,"A":{"b":[1,2]}}`},
			{`{ for i in event.items : i.k => i.p... }`, `{"x":[1,3],"y":[2]}`},
			{`event.items[*].p`, `[1,2,3]`},
			{`event.items.*.k`, `["x","y","x"]`},
			{`event.a[*]`, `[1]`},
			{`event.n[*]`, `[]`},
			{`event.list[event.a]`, `20`},
			{`[[1, 2], [3]][1][0] + event.a`, `4`},
			{`max(event.list...)`, `30`},
		},
		"mistakes": {
			{`evnt.a`, mistake + `did you mean "event"?`},
			{`event.a-1`, mistake + "did you mean `event.a - 1`?"},
			{`lenght(event.s)`, mistake + `did you mean "length"?`},
			{`length()`, mistake + `length takes`},
			{`upper(1)`, mistake + `a string`},
			{`var.x == 1`, mistake + `there is no variable "x"`},
			{`group.x`, mistake + `group`},
			{`event.a =! 1`, mistake + `expression:1,`},
		},
	} {
		for _, row := range rows {
			t.Run(rule+"/"+row[0], func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				cmd := exec.CommandContext(ctx, binary, "eval", "--event", "-", "--", row[0])
				cmd.Stdin = strings.NewReader(languageEvent)
				var stdout, stderr strings.Builder
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				code := 0
				if status := (*exec.ExitError)(nil); errors.As(cmd.Run(), &status) {
					code = status.ExitCode()
				}
				want, wantCode := row[1], 0
				if text, ok := strings.CutPrefix(want, mistake); ok {
					want, wantCode = text, 2
				} else if text, ok := strings.CutPrefix(want, failure); ok {
					want, wantCode = text, 1
				}
				if ok := wantCode == 0 && stdout.String() == want+"\n" && stderr.Len() == 0 ||
					wantCode > 0 && strings.Contains(stderr.String(), want) && stdout.Len() == 0; !ok || code != wantCode {
					t.Errorf("exit code %d, not %d; it should say %s, and says\n%s%s", code, wantCode, want, &stdout, &stderr)
				}
			})
		}
	}
}
