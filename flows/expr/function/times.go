package function

import (
	"errors"
	"math"
	"time"

	"github.com/flowrun/flowrun/flows/expr/function/date"
	"github.com/flowrun/flowrun/runtime/flow"
)

// times are strings as RFC 3339 has them.
var times = []Function{
	{
		Name: "now", Group: groupTimes, Returns: flow.OfText, Volatile: true,
		Call:     func([]flow.Value) (flow.Value, error) { return spelled(time.Now().UTC()) },
		Doc:      "the time now, in UTC as RFC 3339 with up to nine digits of the second: 2026-01-02T03:04:05.123456789Z",
		Examples: []Example{{`length(now()) > 19`, `true`}},
	},
	{
		Name: "timestamp", Group: groupTimes, Params: params(number("epoch").optional()), Returns: flow.OfText, Volatile: true, Call: timestamp,
		Doc:      "the time now in whole seconds, or the one so many seconds after 1970 began, in UTC as RFC 3339",
		Examples: []Example{{`timestamp(1700000000)`, `"2023-11-14T22:13:20Z"`}, {`timestamp(1700000000123 / 1000)`, `"2023-11-14T22:13:20.123Z"`}},
	},
	{
		Name: "epoch", Group: groupTimes, Params: params(text("time").optional()), Returns: flow.OfNumber, Volatile: true,
		Call:     func(args []flow.Value) (flow.Value, error) { return since(args, time.Time.Unix) },
		Doc:      "the whole seconds from the beginning of 1970 to now, or to the time (RFC 3339)",
		Examples: []Example{{`epoch("2023-11-14T22:13:20Z")`, `1700000000`}},
	},
	{
		Name: "epoch_ms", Group: groupTimes, Params: params(text("time").optional()), Returns: flow.OfNumber, Volatile: true,
		Call:     func(args []flow.Value) (flow.Value, error) { return since(args, time.Time.UnixMilli) },
		Doc:      "the whole milliseconds from the beginning of 1970 to now, or to the time (RFC 3339)",
		Examples: []Example{{`epoch_ms("2023-11-14T22:13:20.5Z")`, `1700000000500`}},
	},
	{
		Name: "formatdate", Group: groupTimes, Params: params(text("format"), text("time")), Returns: flow.OfText, Call2: formatDate, Prepare: prepareDate(spellDate),
		Doc: "the time (RFC 3339) in the format: YYYY YY year, MMMM MMM MM M month, DD D day, EEEE EEE weekday, hh h hour, HH H hour of 12, AA aa AM or pm, " +
			"mm m minute, ss s second, f to fffffffff digits of the second's fraction, Z ZZZ ZZZZ ZZZZZ offset; all but letters, and what stands in single quotes, is itself",
		Examples: []Example{{`formatdate("DD.MM.YYYY hh:mm 'o''clock'", "2020-01-02T03:04:05Z")`, `"02.01.2020 03:04 o'clock"`}, {`formatdate("EEE, D MMM YYYY ZZZ", "2020-01-02T03:04:05Z")`, `"Thu, 2 Jan 2020 UTC"`}},
	},
	{
		Name: "parsedate", Group: groupTimes, Params: params(text("format"), text("string")), Returns: flow.OfText, Call2: parseDate, Prepare: prepareDate(readDate),
		Doc:      "the time (RFC 3339) that the string spells in the format, which is one of formatdate; what the format leaves out is that of 1970-01-01T00:00:00Z",
		Examples: []Example{{`parsedate("DD/MMM/YYYY:hh:mm:ss ZZZZ", "02/Jan/2020:03:04:05 +0100")`, `"2020-01-02T03:04:05+01:00"`}},
	},
	{
		Name: "timeadd", Group: groupTimes, Params: params(text("time"), text("duration")), Returns: flow.OfText, Call2: timeAdd,
		Doc:      `the time (RFC 3339) and a duration such as "90s", "-1h30m" or "250ms" later`,
		Examples: []Example{{`timeadd("2020-01-02T03:04:05Z", "90s")`, `"2020-01-02T03:05:35Z"`}},
	},
}

func timeOf(v flow.Value) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, v.Text())
	if err != nil {
		return t, errors.New("the string is no time of RFC 3339 such as 2020-01-02T03:04:05Z")
	}
	return t, nil
}

// spelled returns a time as RFC 3339, which has years of four digits.
func spelled(t time.Time) (flow.Value, error) {
	if y := t.Year(); y < 0 || y > 9999 {
		return flow.NullValue, errors.New("the time is not between the years 0 and 9999")
	}
	return flow.TextOf(t.Format(time.RFC3339Nano)), nil
}

func timestamp(args []flow.Value) (flow.Value, error) {
	if len(args) == 0 {
		return spelled(time.Now().UTC().Truncate(time.Second))
	}
	const most = 1 << 40 // seconds; more than 9,999 years have
	seconds, fraction := math.Modf(args[0].Float())
	if math.IsNaN(seconds) || math.Abs(seconds) > most {
		return flow.NullValue, errors.New("the time is not between the years 0 and 9999: it counts in seconds")
	}
	// A float of today's size is exact to less than a microsecond.
	return spelled(time.Unix(int64(seconds), int64(math.Round(fraction*1e6))*1000).UTC())
}

func since(args []flow.Value, count func(time.Time) int64) (flow.Value, error) {
	if len(args) == 0 {
		return flow.IntOf(count(time.Now())), nil
	}
	t, err := timeOf(args[0])
	if err != nil {
		return flow.NullValue, err
	}
	return flow.IntOf(count(t)), nil
}

func timeAdd(v, duration flow.Value) (flow.Value, error) {
	t, err := timeOf(v)
	if err != nil {
		return flow.NullValue, err
	}
	d, err := time.ParseDuration(duration.Text())
	if err != nil {
		return flow.NullValue, errors.New(`the string is no duration such as "90s", "1h30m" or "250ms"`)
	}
	return spelled(t.Add(d))
}

func formatDate(format, v flow.Value) (flow.Value, error) {
	f, err := date.Parse(format.Text())
	if err != nil {
		return flow.NullValue, err
	}
	return spellDate(f, v)
}

func spellDate(f date.Format, v flow.Value) (flow.Value, error) {
	t, err := timeOf(v)
	if err != nil {
		return flow.NullValue, err
	}
	return flow.TextOf(f.Spell(t)), nil
}

func parseDate(format, v flow.Value) (flow.Value, error) {
	f, err := date.Parse(format.Text())
	if err != nil {
		return flow.NullValue, err
	}
	return readDate(f, v)
}

func readDate(f date.Format, v flow.Value) (flow.Value, error) {
	t, err := f.Time(v.Text())
	if err != nil {
		return flow.NullValue, err
	}
	return spelled(t)
}

func prepareDate(call func(date.Format, flow.Value) (flow.Value, error)) func([]*flow.Value) (*Function, error) {
	return func(constants []*flow.Value) (*Function, error) {
		if constants[0] == nil || constants[0].IsNull() {
			return nil, nil
		}
		f, err := date.Parse(constants[0].Text())
		if err != nil {
			return nil, err
		}
		return &Function{Call2: func(_, v flow.Value) (flow.Value, error) { return call(f, v) }}, nil
	}
}
