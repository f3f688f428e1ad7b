// Package stamp spells times as log shippers do, and reads them again.
//
// A time is nanoseconds since 1970, in UTC. The formats and their names are
// those of Fluent Bit's json_date_format. What is read need not be in the
// format that is configured: strings tell by themselves how they are spelled,
// and numbers are seconds, or milliseconds where the format says so.
package stamp

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Date is embedded by configurations of codecs that give records a time.
type Date struct {
	Key    string `hcl:"date_key" doc:"key under which a record has its time; \"\" or false for none"`
	Format Format `hcl:"date_format" oneof:"double|epoch|epoch_ms|iso8601|java_sql_timestamp" doc:"how the time is spelled"`
}

// Named is the configuration with the key "" where it says false, as Fluent Bit's
// json_date_key says that there is none.
func (d Date) Named() Date {
	if d.Key == "false" {
		d.Key = ""
	}
	return d
}

// Format is the name of a format.
type Format string

// The formats, each with an example.
const (
	Double  Format = "double"             // 1795227184.60552
	Epoch   Format = "epoch"              // 1795227184
	EpochMs Format = "epoch_ms"           // 1795227184605
	ISO8601 Format = "iso8601"            // "2026-11-21T02:13:04.605520Z"
	JavaSQL Format = "java_sql_timestamp" // "2026-11-21 02:13:04.605520"
)

const (
	isoLayout  = "2006-01-02T15:04:05.000000Z"
	javaLayout = "2006-01-02 15:04:05.000000"
	readLayout = "2006-01-02 15:04:05.999999999"
)

// Of spells a time. Seconds keep all nanoseconds, since their number is
// spelled in decimals; the strings have microseconds.
func (f Format) Of(ns int64) flow.Value {
	switch f {
	case Epoch:
		return flow.IntOf(floor(ns, 1e9))
	case EpochMs:
		return flow.IntOf(floor(ns, 1e6))
	case ISO8601:
		return flow.TextOf(time.Unix(0, ns).UTC().Format(isoLayout))
	case JavaSQL:
		return flow.TextOf(time.Unix(0, ns).UTC().Format(javaLayout))
	}
	return Seconds(ns, 9)
}

// Seconds spells a time as seconds with at most so many decimals, and one at
// least.
func Seconds(ns int64, decimals int) flow.Value {
	var b [32]byte
	s := b[:0]
	u := uint64(ns)
	if ns < 0 {
		s, u = append(s, '-'), -u
	}
	s = strconv.AppendUint(s, u/1e9, 10)
	s = append(s, '.')
	fraction := strconv.AppendUint(nil, u%1e9+1e9, 10)[1 : 1+decimals]
	s = append(s, fraction[0])
	s = append(s, strings.TrimRight(string(fraction[1:]), "0")...)
	return flow.NumberOf(string(s))
}

// Read reads a time. It is false for what is none, or cannot be held in
// nanoseconds.
func (f Format) Read(v flow.Value) (ns int64, ok bool) {
	unit := int64(1e9)
	if f == EpochMs {
		unit = 1e6
	}
	switch v.Kind() {
	case flow.Int:
		n := v.Int()
		return n * unit, n <= math.MaxInt64/unit && n >= math.MinInt64/unit
	case flow.Float:
		return decimal(strconv.FormatFloat(v.Float(), 'f', -1, 64), unit)
	case flow.Number:
		if strings.ContainsAny(v.Text(), "eE") {
			return decimal(strconv.FormatFloat(v.Float(), 'f', -1, 64), unit)
		}
		return decimal(v.Text(), unit)
	case flow.Text:
		return text(v.Text())
	}
	return 0, false
}

// decimal reads a number in plain decimals, of a unit of so many nanoseconds.
// What is smaller than one of them is cut off.
func decimal(s string, unit int64) (int64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > math.MaxInt64/unit-1 {
		return 0, false
	}
	n *= unit
	for i := 0; i < len(fraction) && unit > 1; i++ {
		if fraction[i] < '0' || fraction[i] > '9' {
			return 0, false
		}
		unit /= 10
		n += int64(fraction[i]-'0') * unit
	}
	if negative {
		n = -n
	}
	return n, true
}

// text reads the strings of both formats, and others of RFC 3339.
func text(s string) (int64, bool) {
	if len(s) < len("2006-01-02T15:04:05") {
		return 0, false
	}
	layout := time.RFC3339Nano
	if s[10] == ' ' {
		layout = readLayout
	}
	t, err := time.Parse(layout, s)
	if err != nil || t.Year() < 1678 || t.Year() > 2261 {
		return 0, false
	}
	return t.UnixNano(), true
}

func floor(n, d int64) int64 {
	q := n / d
	if n%d < 0 {
		q--
	}
	return q
}

// On returns a record with the time at its beginning. An object that has
// the key already, and what is no object, it returns as it is; in a list, each
// object is given the time.
func (d *Date) On(v flow.Value, ns int64) flow.Value {
	switch v.Kind() {
	case flow.Map:
		return d.onto(v, d.Format.Of(ns))
	case flow.List:
		list := make([]flow.Value, len(v.List()))
		for i, x := range v.List() {
			list[i] = d.onto(x, d.Format.Of(ns))
		}
		return flow.ListOf(list)
	}
	return v
}

func (d *Date) onto(v, date flow.Value) flow.Value {
	if v.Kind() != flow.Map {
		return v
	}
	if _, there := v.Object().Get(d.Key); there {
		return v
	}
	o := flow.NewObject(v.Object().Len() + 1)
	o.Set(d.Key, date)
	for _, f := range v.Object().Fields() {
		o.Set(f.Key, f.Value)
	}
	return flow.MapOf(o)
}

// Off takes the time out of a record. There is none where the key is missing
// (found is false); a value that is no time is an error.
func (d *Date) Off(o *flow.Object) (rest *flow.Object, ns int64, found bool, err error) {
	v, found := o.Get(d.Key)
	if !found {
		return o, 0, false, nil
	}
	ns, ok := d.Format.Read(v)
	if !ok {
		return nil, 0, false, fmt.Errorf("its %q is no time: choose another date_key, or map it", d.Key)
	}
	rest = flow.NewObject(o.Len())
	for _, f := range o.Fields() {
		if f.Key != d.Key {
			rest.Set(f.Key, f.Value)
		}
	}
	return rest, ns, true, nil
}
