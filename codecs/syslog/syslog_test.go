package syslog

import (
	"testing"
	"time"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
)

var with = codectest.With[config](Spec)

func TestRead(t *testing.T) {
	codectest.Reads(t, with(nil), `<165>1 2026-11-21T02:13:04.003Z web app 8710 ID47 [login user="eve \"x\] \\"][b c=""] refused`,
		`{"protocol":"rfc5424","facility":"local4","severity":"notice","timestamp":"2026-11-21T02:13:04.003Z","hostname":"web","appname":"app","procid":"8710","msgid":"ID47","structured_data":{"b":{"c":""},"login":{"user":"eve \"x] \\"}},"message":"refused"}`)
	codectest.Reads(t, with(nil), `<0>1 - - - - - [a z="1" b="2" z="3"]`, `{"protocol":"rfc5424","facility":"kern","severity":"emerg","structured_data":{"a":{"b":"2","z":"3"}}}`)
	codectest.Reads(t, with(nil), `<0>1 - - - - - -`, `{"protocol":"rfc5424","facility":"kern","severity":"emerg"}`)
	codectest.Reads(t, with(nil), "<34>Nov 21 02:13:04 web su[42]: refused\n",
		`{"protocol":"rfc3164","facility":"auth","severity":"crit","timestamp":"2026-11-21T02:13:04Z","hostname":"web","appname":"su","procid":"42","message":"refused"}`)
	codectest.Reads(t, with(nil), `<34>Jan  1 00:00:04 web su: new year`,
		`{"protocol":"rfc3164","facility":"auth","severity":"crit","timestamp":"2027-01-01T00:00:04Z","hostname":"web","appname":"su","message":"new year"}`)
	codectest.Reads(t, with(func(c *config) { c.Timezone = "Europe/Vienna" }), `<34>Nov 21 02:13:04 web su: x`,
		`{"protocol":"rfc3164","facility":"auth","severity":"crit","timestamp":"2026-11-21T02:13:04+01:00","hostname":"web","appname":"su","message":"x"}`)
	codectest.Reads(t, with(nil), `<34>2026-11-21T02:13:04.5+02:00 web su: x`,
		`{"protocol":"rfc3164","facility":"auth","severity":"crit","timestamp":"2026-11-21T02:13:04.5+02:00","hostname":"web","appname":"su","message":"x"}`)
	codectest.Reads(t, with(nil), ``, `!decode a message of syslog: by RFC 3164, it is `)
	codectest.Reads(t, with(nil), `<34>1 yesterday`, `!by RFC 5424, it is `)
	codectest.Reads(t, with(nil), `<999>1 - - - - - -`, `!by RFC 5424, it is `)
	codectest.Reads(t, with(nil), "<34>Nov 21 02:13:04 web su: \xff", `!it is not UTF-8`)
	codectest.Reads(t, with(func(c *config) { c.Format = "rfc5424" }), `<34>Nov 21 02:13:04 web su: x`, `!by RFC 5424`)
	codectest.Reads(t, with(func(c *config) { c.Format = "rfc3164" }), `<34>1 - - - - - -`, `!by RFC 3164`)
	codectest.Reads(t, with(func(c *config) { c.MaxLength = 10 }), `<34>Nov 21 02:13:04 web su: x`, `!it has 29 bytes, and max_length is 10B`)
	if _, err := with(func(c *config) { c.Timezone = "Mars/Base" }).New(); err == nil {
		t.Error("an unknown time zone is accepted")
	}
}

func TestWrite(t *testing.T) {
	codectest.Writes(t, with(nil), `{"message":"hi"}`, `<13>1 2026-11-21T02:13:04.60552Z - - - - - hi`)
	codectest.Writes(t, with(nil), `{"facility":"local4","severity":"err","timestamp":"2026-11-21T02:13:04.003+01:00","hostname":"web","appname":"app","procid":"1","msgid":"ID","structured_data":{"a@1":{"b":"\"]\\"},"c":{}},"message":""}`,
		`<163>1 2026-11-21T02:13:04.003+01:00 web app 1 ID [a@1 b="\"\]\\"][c] `)
	codectest.Writes(t, with(nil), `{"protocol":"rfc3164","timestamp":1795227184.5,"hostname":"web","appname":"su","procid":"42","message":"x: y"}`, `<13>Nov 21 02:13:04 web su[42]: x: y`)
	codectest.Writes(t, with(func(c *config) { c.Format = "rfc3164"; c.Timezone = "Europe/Vienna" }), `{"hostname":"web","message":"x"}`, `<13>Nov 21 03:13:04 web x`)
	codectest.Writes(t, with(nil), `{"facility":"local9"}`, `!there is no facility "local9"`)
	codectest.Writes(t, with(nil), `{"severity":1}`, `!its severity is of type number`)
	codectest.Writes(t, with(nil), `{"hostname":"a b"}`, `!its hostname is longer than 255`)
	codectest.Writes(t, with(nil), `{"timestamp":true}`, `!its timestamp is no time`)
	codectest.Writes(t, with(nil), `{"structured_data":{"a":1}}`, `!"a" is of type number`)
	codectest.Writes(t, with(nil), `{"structured_data":{"a]":{}}}`, `!names in structured_data`)
	codectest.Writes(t, with(nil), `{"structured_data":{"a":{"b":1}}}`, `!"b" is of type number`)
	codectest.Writes(t, with(nil), `{"structured_data":7}`, `!of type number, not an object of objects`)
	codectest.Writes(t, with(nil), `{"user":"x"}`, `!"user" is no part of a message`)
	codectest.Writes(t, with(nil), `[]`, `!of type list`)
	codectest.Writes(t, with(nil), `{"protocol":"rfc3164","message":"x"}`, `!RFC 3164 wants a hostname`)
	codectest.Writes(t, with(nil), `{"protocol":"rfc3164","hostname":"h","appname":"a:b"}`, `!a bracket or a colon`)
	codectest.Writes(t, with(nil), `{"protocol":"rfc3164","hostname":"h","procid":"1"}`, `!no procid without an appname`)
	codectest.Writes(t, with(nil), `{"protocol":"rfc3164","hostname":"h","msgid":"1"}`, `!no msgid`)
	codectest.Writes(t, with(nil), `{"protocol":"rfc3164","hostname":"h","structured_data":{}}`, `!no structured data`)
}

func TestNearestYear(t *testing.T) {
	for _, test := range []struct{ at, now, want string }{
		{"0000-12-31T23:59:59Z", "2027-01-01T00:00:05Z", "2026-12-31T23:59:59Z"},
		{"0000-01-01T00:00:01Z", "2026-12-31T23:59:59Z", "2027-01-01T00:00:01Z"},
		{"0000-02-29T01:02:03Z", "2026-11-21T00:00:00Z", "2028-02-29T01:02:03Z"},
		{"0000-02-29T01:02:03Z", "2025-11-21T00:00:00Z", "2024-02-29T01:02:03Z"},
		{"0000-02-29T01:02:03Z", "2099-03-01T00:00:00Z", "2096-02-29T01:02:03Z"},
		{"0000-06-01T00:00:00Z", "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z"},
	} {
		parse := func(s string) time.Time {
			at, err := time.Parse(time.RFC3339, s)
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		if got := nearestYear(parse(test.at), time.UTC, parse(test.now)); !got.Equal(parse(test.want)) {
			t.Errorf("%s, seen at %s, is %s", test.at, test.now, got)
		}
	}
}

func FuzzSyslog(f *testing.F) {
	f.Add([]byte(`<165>1 2026-11-21T02:13:04.003Z web app 8710 ID47 [login user="eve \"x\] \\"] refused`))
	f.Add([]byte(`<34>Nov 21 02:13:04 web su[42]: refused`))
	f.Add([]byte(`<34>2026-11-21T02:13:04Z web su: x`))
	f.Fuzz(func(t *testing.T, message []byte) { codectest.ReadsAgain(t, with(nil), message) })
}
