package date

import (
	"testing"
	"time"
)

// FuzzFormat reads any text in any format, and holds that a format which says
// everything reads what it spelled.
func FuzzFormat(f *testing.F) {
	f.Add("DD/MMM/YYYY:hh:mm:ss ZZZZ", "02/Jan/2020:03:04:05 +0100", int64(1577934245123456789))
	f.Add("EEEE, D MMMM YYYY H:m:s.fff AA Z 'o''clock'", "Monday", int64(-1))
	whole, err := Parse("EEE MMMM DD YYYY HH:mm:ss.fffffffff aa ZZZ")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, format, text string, nanos int64) {
		at := time.Unix(0, nanos).In(time.FixedZone("", int(nanos%1440)*60))
		if got, err := whole.Time(whole.Spell(at)); err != nil || !got.Equal(at) {
			t.Errorf("%v comes back as %v (%v)", at, got, err)
		}
		read, err := Parse(format)
		if err != nil {
			return
		}
		_, _ = read.Time(text)
		_, _ = read.Time(read.Spell(at))
	})
}
