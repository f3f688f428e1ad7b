package difference

import (
	"testing"

	"github.com/flowrun/flowrun/runtime/jsontext"
)

func TestFirst(t *testing.T) {
	for _, c := range []struct {
		want, got string
		find      Finder
		is        string
	}{
		{`{"a":1,"b":[1,2]}`, `{"b":[1,2.0],"a":1e0}`, Finder{}, ""},
		{`{"a":1}`, `{"a":2}`, Finder{}, ".a is 2, not 1"},
		{`{"a":1}`, `{"a":"1"}`, Finder{}, `.a is "1", not 1`},
		{`{"a":{"b":null}}`, `{"a":{}}`, Finder{}, ".a.b is missing"},
		{`{}`, `{"a":1}`, Finder{}, ".a was not expected: it is 1"},
		{`{}`, `{"a":1}`, Finder{Part: true}, ""},
		{`[{"a":1}]`, `[{"a":1,"b":2}]`, Finder{Part: true}, ""},
		{`[1]`, `[1,2]`, Finder{Part: true}, "the whole has 2 elements, not 1"},
		{`{"l":[1,2]}`, `{"l":[1]}`, Finder{}, ".l has 1 elements, not 2"},
		{`{"l":[{"id":1,"ts":2}]}`, `{"l":[{"id":1}],"ts":3}`, Finder{Ignore: []string{"ts", "l.*.ts"}}, ""},
		{`{"l":[{"id":1,"ts":2}]}`, `{"l":[{"id":1,"ts":3}]}`, Finder{Ignore: []string{"ts"}}, ".l.0.ts is 3, not 2"},
		{`1`, `{"a":1}`, Finder{}, `the whole is {"a":1}, not 1`},
		{`""`, `null`, Finder{}, `the whole is null, not ""`},
	} {
		want, err := jsontext.Parse([]byte(c.want))
		if err != nil {
			t.Fatal(err)
		}
		got, err := jsontext.Parse([]byte(c.got))
		if err != nil {
			t.Fatal(err)
		}
		if is := c.find.First(want, got); is != c.is {
			t.Errorf("%s and %s: %q, not %q", c.want, c.got, is, c.is)
		}
	}
}

func TestBytes(t *testing.T) {
	for _, c := range []struct{ want, got, is string }{
		{"abc", "abd", "they differ from byte 3 on"},
		{"abc", "ab", "it ends after byte 2 of 3"},
		{"ab", "abc", "it goes on after byte 2"},
		{"", "a", "it goes on after byte 0"},
	} {
		if is := Bytes([]byte(c.want), []byte(c.got)); is != c.is {
			t.Errorf("%q and %q: %s", c.want, c.got, is)
		}
	}
}
