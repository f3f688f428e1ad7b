// Package date reads and writes times in formats such as
// "YYYY-MM-DD hh:mm:ss": those of Terraform's formatdate, with fractions of
// seconds, and both ways.
package date

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Format is a format in the parts that it is written in.
type Format []part

// part is a verb, a letter so many times, or text.
type part struct {
	verb  string
	text  string
	clock string // how package time spells the verb, "" where it cannot
}

// verbs has the spelling of package time for each verb, "" for those that
// are spelled here.
var verbs = map[string]string{
	"YYYY": "2006", "YY": "06",
	"MMMM": "January", "MMM": "Jan", "MM": "01", "M": "1",
	"DD": "02", "D": "2",
	"EEEE": "Monday", "EEE": "Mon",
	"hh": "15", "h": "", "HH": "03", "H": "3", "AA": "PM", "aa": "pm",
	"mm": "04", "m": "4", "ss": "05", "s": "5",
	"f": "", "ff": "", "fff": "", "ffff": "", "fffff": "", "ffffff": "", "fffffff": "", "ffffffff": "", "fffffffff": "",
	"Z": "Z07:00", "ZZZ": "", "ZZZZ": "-0700", "ZZZZZ": "-07:00",
}

const maxFormat = 1000

// Parse reads a format. An error says what is wrong with it, and does not
// quote it.
func Parse(s string) (Format, error) {
	if len(s) > maxFormat {
		return nil, fmt.Errorf("the format is longer than %d bytes", maxFormat)
	}
	var f Format
	for i := 0; i < len(s); {
		n := 1
		switch c := s[i]; {
		case c == '\'':
			text, length, ok := quotedText(s[i:])
			if !ok {
				return nil, errors.New("the format has a quote (') that does not end")
			}
			f, n = append(f, part{text: text}), length
		case isLetter(c):
			for i+n < len(s) && s[i+n] == c {
				n++
			}
			verb := s[i : i+n]
			clock, ok := verbs[verb]
			if !ok {
				return nil, errors.New("the format has letters that mean nothing in it: put text into single quotes")
			}
			f = append(f, part{verb: verb, clock: clock})
		default:
			for i+n < len(s) && s[i+n] != '\'' && !isLetter(s[i+n]) {
				n++
			}
			f = append(f, part{text: s[i : i+n]})
		}
		i += n
	}
	return f, nil
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// quotedText reads text in single quotes, in which two quotes are one; alone,
// two are one as well.
func quotedText(s string) (text string, length int, ok bool) {
	if strings.HasPrefix(s, "''") {
		return "'", 2, true
	}
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		if i+1 == len(s) || s[i+1] != '\'' {
			return strings.ReplaceAll(s[1:i], "''", "'"), i + 1, true
		}
		i++
	}
	return "", 0, false
}

// Spell returns the time as the format has it.
func (f Format) Spell(t time.Time) string {
	b := make([]byte, 0, 64)
	for _, p := range f {
		switch {
		case p.verb == "":
			b = append(b, p.text...)
		case p.clock != "":
			b = t.AppendFormat(b, p.clock)
		case p.verb == "h":
			b = strconv.AppendInt(b, int64(t.Hour()), 10)
		case p.verb == "ZZZ":
			if _, offset := t.Zone(); offset == 0 {
				b = append(b, "UTC"...)
			} else {
				b = t.AppendFormat(b, "-0700")
			}
		default:
			b = append(b, fmt.Sprintf("%09d", t.Nanosecond())[:len(p.verb)]...)
		}
	}
	return string(b)
}

// reading is what has been read of a time.
type reading struct {
	year, month, day, hour, minute, second, nano int
	half                                         int // -1: of 24 hours, 0: am, 1: pm
	zone                                         *time.Location
}

var errDate = errors.New("the string is not spelled as the format says")

// Time returns the time that s spells. What the format leaves out is that of
// the beginning of 1970 in UTC.
func (f Format) Time(s string) (time.Time, error) {
	d := reading{year: 1970, month: 1, day: 1, half: -1, zone: time.UTC}
	for _, p := range f {
		var ok bool
		if p.verb == "" {
			s, ok = strings.CutPrefix(s, p.text)
		} else {
			s, ok = d.read(p.verb, s)
		}
		if !ok {
			return time.Time{}, errDate
		}
	}
	if d.half >= 0 {
		if d.hour < 1 || d.hour > 12 {
			return time.Time{}, errDate
		}
		d.hour = d.hour%12 + 12*d.half
	}
	if s != "" || d.hour > 23 || d.minute > 59 || d.second > 59 {
		return time.Time{}, errDate
	}
	t := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.second, d.nano, d.zone)
	if int(t.Month()) != d.month || t.Day() != d.day {
		return time.Time{}, errors.New("the date that the string spells does not exist")
	}
	return t, nil
}

// read takes what the verb stands for off the beginning of s.
func (d *reading) read(verb, s string) (rest string, ok bool) {
	least, most := len(verb), max(2, len(verb))
	var to *int
	switch verb[0] {
	case 'Y':
		rest, ok = take(s, &d.year, least, least)
		if least == 2 {
			d.year += 1900
			if d.year < 1969 { // as everywhere: 69 is 1969, 68 is 2068
				d.year += 100
			}
		}
		return rest, ok
	case 'M':
		if least > 2 {
			return takeName(s, &d.month, least == 3, 1, 12, func(i int) string { return time.Month(i).String() })
		}
		to = &d.month
	case 'E':
		var weekday int
		return takeName(s, &weekday, least == 3, 0, 6, func(i int) string { return time.Weekday(i).String() })
	case 'A', 'a':
		return takeName(s, &d.half, false, 0, 1, func(i int) string { return [...]string{"AM", "PM"}[i] })
	case 'Z':
		return d.takeZone(s)
	case 'f':
		rest, ok = take(s, &d.nano, least, least)
		for range 9 - least {
			d.nano *= 10
		}
		return rest, ok
	case 'D':
		to = &d.day
	case 'h', 'H':
		to = &d.hour
		if verb[0] == 'H' && d.half < 0 {
			d.half = 0
		}
	case 'm':
		to = &d.minute
	default:
		to = &d.second
	}
	return take(s, to, least, most)
}

// take reads a number of so many digits.
func take(s string, to *int, least, most int) (rest string, ok bool) {
	n := min(digits(s), most)
	if n < least {
		return s, false
	}
	*to, _ = strconv.Atoi(s[:n])
	return s[n:], true
}

// takeName reads one of the names, from the first to the last.
func takeName(s string, to *int, short bool, first, last int, name func(int) string) (rest string, ok bool) {
	for i := first; i <= last; i++ {
		n := name(i)
		if short {
			n = n[:3]
		}
		if len(s) >= len(n) && strings.EqualFold(s[:len(n)], n) {
			*to = i
			return s[len(n):], true
		}
	}
	return s, false
}

// takeZone reads an offset in any of the spellings.
func (d *reading) takeZone(s string) (rest string, ok bool) {
	for _, utc := range []string{"Z", "UTC", "GMT"} {
		if rest, ok = strings.CutPrefix(s, utc); ok {
			d.zone = time.UTC
			return rest, true
		}
	}
	if s == "" || s[0] != '+' && s[0] != '-' {
		return s, false
	}
	var hours, minutes int
	if rest, ok = take(s[1:], &hours, 2, 2); !ok {
		return s, false
	}
	if rest, ok = take(strings.TrimPrefix(rest, ":"), &minutes, 2, 2); !ok || hours > 23 || minutes > 59 {
		return s, false
	}
	offset := (hours*60 + minutes) * 60
	if s[0] == '-' {
		offset = -offset
	}
	d.zone = time.FixedZone("", offset)
	if offset == 0 {
		d.zone = time.UTC
	}
	return rest, true
}

// digits is how many digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}
