package function

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

func TestEncodings(t *testing.T) {
	cases{
		{"jsonencode", `[{"b": 1.50, "a": [null, true, "x\"\n"]}]`, `"{\"b\":1.50,\"a\":[null,true,\"x\\\"\\n\"]}"`},
		{"jsonencode", `[null]`, `"null"`},
		{"jsonencode", `[12345678901234567890]`, `"12345678901234567890"`},
		{"jsondecode", `[" {\"a\": 1.0} "]`, `{"a":1.0}`},
		{"jsondecode", `["null"]`, `null`},
		{"jsondecode", `["{"]`, `!the text is no JSON`},
		{"jsondecode", `[""]`, `!the text is no JSON`},
		{"jsondecode", `[null]`, `null`},
		{"csvdecode", `["a,b\n\"x,\"\"y\",2\n"]`, `[{"a":"x,\"y","b":"2"}]`},
		{"csvdecode", `["a,b"]`, `[]`},
		{"csvdecode", `[""]`, `!the CSV is empty`},
		{"csvdecode", `["a,a\n1,2"]`, `!a key twice`},
		{"csvdecode", `["a,b\n1"]`, `!the text is no CSV: record on line 2: wrong number of fields`},
		{"csvdecode", `["a\n\"x"]`, `!no CSV`},
		{"base64encode", `[""]`, `""`},
		{"base64decode", `["aGk="]`, `"hi"`},
		{"base64decode", `["aGk"]`, `"hi"`},
		{"base64decode", `["_-8"]`, `"/+8="`}, // bytes, as JSON shows them
		{"base64decode", `["/+8="]`, `"/+8="`},
		{"base64decode", `["a===="]`, `!no base64`},
		{"base64decode", `["aG=k"]`, `!no base64`},
		{"base64decode", `["/-+_"]`, `!no base64`},
		{"urlencode", `["/?=&é "]`, `"%2F%3F%3D%26%C3%A9+"`},
		{"hexencode", `["é"]`, `"c3a9"`},
		{"hexdecode", `["C3a9"]`, `"é"`},
		{"hexdecode", `["c3a"]`, `!hexadecimal`},
		{"hexdecode", `["zz"]`, `!hexadecimal`},
		{"sha256", `[""]`, `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`},
		{"sha1", `[""]`, `"da39a3ee5e6b4b0d3255bfef95601890afd80709"`},
		{"md5", `[""]`, `"d41d8cd98f00b204e9800998ecf8427e"`},
		{"crc32", `["123456789"]`, `"cbf43926"`},
		{"crc32", `[""]`, `"00000000"`},
		{"hmac_sha256", `["key", "The quick brown fox jumps over the lazy dog"]`, `"f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"`},
		{"md5", `[1]`, `!must be a string or bytes`},
	}.run(t)
	b := flow.BytesOf([]byte{0xff, 0})
	for name, want := range map[string]string{
		"hexencode": `"ff00"`, "base64encode": `"/wA="`, "length": `2`, "type": `"bytes"`, "bytes": `"/wA="`,
		"crc32": `"d2fdef8d"`, "utf8": `!no UTF-8`, "tostring": `!utf8(), base64encode() or hexencode()`,
	} {
		got := result(Find(name).Invoke(b))
		if part, isErr := strings.CutPrefix(want, "!"); got != want && !(isErr && strings.Contains(got, part)) {
			t.Errorf("%s of bytes is %s, want %s", name, got, want)
		}
	}
}

func TestUUID(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		x, err := Find("uuid").Invoke()
		s := x.Text()
		if err != nil || len(s) != 36 || s[14] != '4' || !strings.ContainsRune("89ab", rune(s[19])) || seen[s] {
			t.Fatal(s, err)
		}
		seen[s] = true
	}
}

func TestTypes(t *testing.T) {
	cases{
		{"tostring", `[1.50]`, `"1.50"`},
		{"tostring", `["a"]`, `"a"`},
		{"tostring", `[-5]`, `"-5"`},
		{"tostring", `[false]`, `"false"`},
		{"tostring", `[null]`, `null`},
		{"tostring", `[[]]`, `!jsonencode()`},
		{"tonumber", `["-0.50e+3"]`, `-0.50e+3`},
		{"tonumber", `["9223372036854775808"]`, `9223372036854775808`},
		{"tonumber", `[1.5]`, `1.5`},
		{"tonumber", `[true]`, `!must be a number or a string`},
		{"tonumber", `[""]`, `!no number`},
		{"tonumber", `["-"]`, `!no number`},
		{"tonumber", `["01"]`, `!no number`},
		{"tonumber", `["1."]`, `!no number`},
		{"tonumber", `[".5"]`, `!no number`},
		{"tonumber", `["1e"]`, `!no number`},
		{"tonumber", `["+1"]`, `!no number`},
		{"tonumber", `["0x1"]`, `!no number`},
		{"tonumber", `[" 1"]`, `!no number`},
		{"tonumber", `["NaN"]`, `!no number`},
		{"tobool", `["0"]`, `false`},
		{"tobool", `[true]`, `true`},
		{"tobool", `["yes"]`, `!no bool`},
		{"tobool", `[1]`, `!must be a bool or a string`},
		{"type", `[1.5]`, `"number"`},
		{"type", `[{}]`, `"object"`},
		{"type", `[true]`, `"bool"`},
		{"utf8", `["é"]`, `"é"`},
		{"path", `[{"a": [{"b": 1}]}, "a[0].b"]`, `1`},
		{"path", `[{"a": [1]}, "a[1]"]`, `null`},
		{"path", `[{"a": [1]}, "a.b.c"]`, `null`},
		{"path", `[{"a": [1]}, "[0]"]`, `null`},
		{"path", `[[[5]], "[0][0]"]`, `5`},
		{"path", `[{"a b": {"\"": 1}}, "[\"a b\"][\"\\\"\"]"]`, `1`},
		{"path", `[{"0": 1}, "0"]`, `1`},
		{"path", `[5, ""]`, `5`},
		{"path", `[null, "a"]`, `null`},
		{"path", `[{}, "a."]`, `!no name at its character 3`},
		{"path", `[{}, "é..b"]`, `!no name at its character 3`},
		{"path", `[{}, "a[b]"]`, `!character 2`},
		{"path", `[{}, "a[0"]`, `!character 2`},
		{"path", `[{}, "a[-1]"]`, `!character 2`},
		{"path", `[{}, "a[0]b"]`, `!no dot before its character 5`},
		{"path", `[{}, "a[99999999999999999999]"]`, `!character 2`},
		{"path", `[{}, ".a"]`, `!no name`},
	}.run(t)
}

func TestTimes(t *testing.T) {
	cases{
		{"formatdate", `["YY-M-D h:m:s H HH AA aa", "2006-01-02T15:04:05Z"]`, `"06-1-2 15:4:5 3 03 PM pm"`},
		{"formatdate", `["EEEE, MMMM DD ss.fff ffffff", "2006-01-02T15:04:05.123456789+01:00"]`, `"Monday, January 02 05.123 123456"`},
		{"formatdate", `["Z ZZZ ZZZZ ZZZZZ", "2006-01-02T15:04:05Z"]`, `"Z UTC +0000 +00:00"`},
		{"formatdate", `["Z ZZZ ZZZZ ZZZZZ", "2006-01-02T15:04:05-03:30"]`, `"-03:30 -0330 -0330 -03:30"`},
		{"formatdate", `["h H", "2006-01-02T00:04:05Z"]`, `"0 12"`},
		{"formatdate", `["''YYYY'Y''Y' Jan", "2006-01-02T00:04:05Z"]`, `!letters that mean nothing`},
		{"formatdate", `["''YYYY'Y''Y'2006", "2007-01-02T00:04:05Z"]`, `"'2007Y'Y2006"`},
		{"formatdate", `["'YYYY", "2007-01-02T00:04:05Z"]`, `!quote`},
		{"formatdate", `["YYY", "2007-01-02T00:04:05Z"]`, `!letters`},
		{"formatdate", `["YYYY", "2007-01-02"]`, `!no time of RFC 3339`},
		{"formatdate", `["YYYY", "2007-13-02T00:00:00Z"]`, `!no time of RFC 3339`},
		{"formatdate", `["YYYY", null]`, `null`},
		{"parsedate", `["YYYY-MM-DD hh:mm:ss", "2020-02-29 23:59:59"]`, `"2020-02-29T23:59:59Z"`},
		{"parsedate", `["YYYY-MM-DD", "2021-02-29"]`, `!does not exist`},
		{"parsedate", `["YYYY-MM-DD", "2021-13-01"]`, `!does not exist`},
		{"parsedate", `["YYYY-MM-DD", "2021-1-01"]`, `!not spelled`},
		{"parsedate", `["YYYY-MM-DD", "2021-01-01x"]`, `!not spelled`},
		{"parsedate", `["D MMM YY H:mm AA", "3 jan 69 12:05 am"]`, `"1969-01-03T00:05:00Z"`},
		{"parsedate", `["D MMMM YY H:mmaa", "3 January 68 12:05PM"]`, `"2068-01-03T12:05:00Z"`},
		{"parsedate", `["EEE, DD MMM YYYY hh:mm:ss ZZZ", "Mon, 02 Jan 2006 15:04:05 GMT"]`, `"2006-01-02T15:04:05Z"`},
		{"parsedate", `["hh:mm:ss.fff", "01:02:03.045"]`, `"1970-01-01T01:02:03.045Z"`},
		{"parsedate", `["YYYY-MM-DD'T'hh:mm:ssZ", "2020-01-02T03:04:05-0330"]`, `"2020-01-02T03:04:05-03:30"`},
		{"parsedate", `["hhZ", "01+24:00"]`, `!not spelled`},
		{"parsedate", `["H AA", "13 PM"]`, `!not spelled`},
		{"parsedate", `["hh", "24"]`, `!not spelled`},
		{"parsedate", `["mm", "60"]`, `!not spelled`},
		{"parsedate", `["AA", ""]`, `!not spelled`},
		{"parsedate", `["AA", "é"]`, `!not spelled`},
		{"parsedate", `["", ""]`, `"1970-01-01T00:00:00Z"`},
		{"parsedate", `["x", ""]`, `!letters`},
		{"timeadd", `["2020-02-28T23:59:59.5+01:00", "1s"]`, `"2020-02-29T00:00:00.5+01:00"`},
		{"timeadd", `["2020-02-28T23:59:59Z", "-1h30m"]`, `"2020-02-28T22:29:59Z"`},
		{"timeadd", `["2020-02-28T23:59:59Z", "1d"]`, `!no duration`},
		{"timeadd", `["9999-12-31T23:59:59Z", "1s"]`, `!between the years`},
		{"timeadd", `["0000-01-01T00:00:00Z", "-1s"]`, `!between the years`},
		{"epoch", `["1969-12-31T23:59:59.9Z"]`, `-1`},
		{"epoch", `[null]`, `null`},
		{"epoch", `["x"]`, `!RFC 3339`},
		{"epoch", `[5]`, `!must be a string`},
		{"epoch_ms", `["1970-01-01T00:00:00.0019Z"]`, `1`},
		{"timestamp", `[-1.5]`, `"1969-12-31T23:59:58.5Z"`},
		{"timestamp", `[1e300]`, `!between the years`},
		{"timestamp", `[1700000000000]`, `!between the years`},
		{"timestamp", `["1"]`, `!must be a number`},
	}.run(t)
	synctest.Test(t, func(t *testing.T) { // where it is midnight on 2000-01-01
		time.Sleep(1500 * time.Millisecond)
		cases{
			{"now", `[]`, `"2000-01-01T00:00:01.5Z"`},
			{"timestamp", `[]`, `"2000-01-01T00:00:01Z"`},
			{"epoch", `[]`, `946684801`},
			{"epoch_ms", `[]`, `946684801500`},
		}.run(t)
	})
}

func TestNetworks(t *testing.T) {
	cases{
		{"cidrcontains", `["10.0.0.0/8", "11.0.0.1"]`, `false`},
		{"cidrcontains", `["10.1.2.3/8", "10.9.9.9"]`, `true`},
		{"cidrcontains", `["0.0.0.0/0", "::1"]`, `false`},
		{"cidrcontains", `["10.0.0.0/8", "::ffff:10.0.0.1"]`, `true`},
		{"cidrcontains", `["fe80::/10", "fe80::1%eth0"]`, `true`},
		{"cidrcontains", `["::/0", "2001:db8::/32"]`, `true`},
		{"cidrcontains", `["10.0.0.0/8", "10.0.0.0/8"]`, `true`},
		{"cidrcontains", `[[], "10.0.0.1"]`, `false`},
		{"cidrcontains", `[["10.0.0.0/8", "192.168.0.0/16"], "192.168.1.1"]`, `true`},
		{"cidrcontains", `[["10.0.0.0/8", 1], "192.168.1.1"]`, `!a number`},
		{"cidrcontains", `["10.0.0.0/33", "10.0.0.1"]`, `!no prefix`},
		{"cidrcontains", `["10.0.0.0", "10.0.0.1"]`, `!no prefix`},
		{"cidrcontains", `["10.0.0.0/8", "10.0.0.256"]`, `!no IP address`},
		{"cidrcontains", `["10.0.0.0/8", ""]`, `!no IP address`},
		{"cidrcontains", `["10.0.0.0/8", null]`, `null`},
		{"cidroverlaps", `["10.0.0.0/16", "10.0.128.0/17"]`, `true`},
		{"cidroverlaps", `["10.0.0.0/8", "::/0"]`, `false`},
		{"cidroverlaps", `["10.0.0.0/8", "x/8"]`, `!no prefix`},
		{"cidrsubnet", `["10.1.2.0/24", 4, 15]`, `"10.1.2.240/28"`},
		{"cidrsubnet", `["10.1.2.0/24", 4, 16]`, `!does not fit into 4 bits`},
		{"cidrsubnet", `["10.1.2.0/24", 9, 0]`, `!newbits must be between 0 and 8`},
		{"cidrsubnet", `["10.1.2.0/24", 0, 0]`, `"10.1.2.0/24"`},
		{"cidrsubnet", `["10.1.2.0/24", 1, -1]`, `!does not fit`},
		{"cidrsubnet", `["::/0", 128, 9223372036854775807]`, `"::7fff:ffff:ffff:ffff/128"`},
		{"cidrhost", `["10.0.0.0/24", 255]`, `"10.0.0.255"`},
		{"cidrhost", `["10.0.0.0/24", 256]`, `!fewer addresses`},
		{"cidrhost", `["10.0.0.0/24", -256]`, `"10.0.0.0"`},
		{"cidrhost", `["10.0.0.0/24", -257]`, `!fewer addresses`},
		{"cidrhost", `["::/0", -1]`, `"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"`},
		{"cidrhost", `["10.0.0.0", 1]`, `!no prefix`},
		{"cidrs", `["10.1.2.0/24", 24, 25, 8]`, `["10.1.2.0/24","10.0.0.0/8"]`},
		{"cidrs", `["2001:db8::1", 32, 128]`, `["2001:db8::/32","2001:db8::1/128"]`},
		{"cidrs", `["0.0.0.0/0"]`, `["0.0.0.0/0"]`},
		{"cidrs", `["10.1.2.0/24", 129]`, `!between 0 and 128`},
		{"cidrs", `["x"]`, `!no IP address`},
	}.run(t)
	if got := call(t, "length", "["+call(t, "cidrs", `["::1"]`)+"]"); got != "129" {
		t.Errorf("an IPv6 address lies in %s prefixes", got)
	}
}
