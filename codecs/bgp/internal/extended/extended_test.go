package extended

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
)

// community is one in JSON.
type community struct {
	Type          string
	Value         any
	Nontransitive bool
}

// written makes bytes of a list in JSON.
func written(text string) ([]byte, error) {
	var list []community
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&list); err != nil {
		return nil, err
	}
	var b []byte
	for _, c := range list {
		var err error
		value := ""
		switch v := c.Value.(type) {
		case string:
			value = v
		case json.Number:
			value = v.String()
		}
		b, err = Append(b, c.Type, value, c.Nontransitive, func(name string) bool {
			o, _ := c.Value.(map[string]any)
			is, _ := o[name].(bool)
			return is
		})
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

func TestCommunities(t *testing.T) {
	for _, test := range []struct{ hex, want string }{
		{"0002fc850000cf08", `[{"type":"TARGET","value":"64645:53000"}]`},
		{"4003fbf500000001", `[{"type":"ORIGIN","value":"64501:1","nontransitive":true}]`},
		{"0102c00002010064" + "0202000100000064", `[{"type":"IP4_TARGET","value":"192.0.2.1:100"},{"type":"AS4_TARGET","value":"65536:100"}]`},
		{"0005fbf500000007", `[{"type":"0x5","value":"64501:7"}]`},
		{"030c00000000000d", `[{"type":"0x30c","value":"0xd"}]`},
		{"4300000000000002", `[{"type":"0x4300","value":"0x2","nontransitive":true}]`},
		{"8006000000000000", `[{"type":"FLOW_RATE_BYTES","value":0}]`},
		{"800cfbf5461c4000", `[{"type":"FLOW_RATE_PACKETS","value":"64501:10000"}]`},
		{"8007000000000002", `[{"type":"FLOW_ACTION","value":{"terminal":false,"sample":true}}]`},
		{"0800000000000001", `[{"type":"FLOW_REDIRECT_NH","value":{"copy":true}}]`},
		{"800900000000002e", `[{"type":"FLOW_DSCP","value":46}]`},
		{"8008fbf500000064" + "8108c00002010001" + "8208000100000001", `[{"type":"FLOW_REDIRECT_AS2","value":"64501:100"},{"type":"FLOW_REDIRECT_IP4","value":"192.0.2.1:1"},{"type":"FLOW_REDIRECT_AS4","value":"65536:1"}]`},
	} {
		b, _ := hex.DecodeString(test.hex)
		got, ok := AppendJSON(nil, b)
		if !ok || string(got) != test.want {
			t.Errorf("%s is %s, %v; want %s", test.hex, got, ok, test.want)
		}
		if back, err := written(test.want); err != nil || hex.EncodeToString(back) != test.hex {
			t.Errorf("%s is written as %x, %v", test.want, back, err)
		}
	}
	// What JSON would lose.
	for _, bad := range []string{"", "0002fc850000cf", "8007000000000004", "0800010000000001", "8009000000000040", "80060000" + "7f800000"} {
		b, _ := hex.DecodeString(bad)
		if got, ok := AppendJSON(nil, b); ok {
			t.Errorf("%s is %s", bad, got)
		}
	}
	for _, bad := range []string{
		`[{"type":"HELLO","value":"1:1"}]`, `[{"type":"TARGET","value":"65536:1"}]`, `[{"type":"TARGET","value":"1"}]`, `[{"type":"AS4_TARGET","value":"1:65536"}]`,
		`[{"type":"IP4_TARGET","value":"::1:1"}]`, `[{"type":"FLOW_DSCP","value":64}]`, `[{"type":"FLOW_RATE_BYTES","value":"x"}]`, `[{"type":"0x9999","value":"0x1000000000000"}]`,
	} {
		if b, err := written(bad); err == nil {
			t.Errorf("%s is written as %x", bad, b)
		}
	}
}

// FuzzCommunities: what has JSON is written as it was.
func FuzzCommunities(f *testing.F) {
	f.Add([]byte("\x00\x02\xfc\x85\x00\x00\xcf\x08"))
	f.Add([]byte("\x80\x06\x00\x01\x46\x1c\x40\x00\x80\x07\x00\x00\x00\x00\x00\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, ok := AppendJSON(nil, b)
		if !ok {
			return
		}
		if back, err := written(string(text)); err != nil || string(back) != string(b) {
			t.Errorf("%x is %s, and back %x, %v", b, text, back, err)
		}
	})
}
