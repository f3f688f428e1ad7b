package topic

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/google/go-cmp/cmp"
)

// client is a subscriber that knows what it should have.
type client struct {
	n        uint64
	patterns map[string]bool
	got      []uint64
}

func (c *client) Ordinal() uint64 { return c.n }

// means is the meaning of patterns, said as simply as can be.
func means(m Match, pattern, topic string) bool {
	switch m {
	case CIDR:
		a, b := netip.MustParsePrefix(mustPrefix(pattern)), netip.MustParsePrefix(mustPrefix(topic))
		return a.Overlaps(b)
	case Glob: // that of package path is the same in the absence of / [ and \
		ok, err := path.Match(pattern, topic)
		return ok && err == nil
	}
	return pattern == topic
}

func mustPrefix(s string) string {
	if strings.Contains(s, "/") {
		return netip.MustParsePrefix(s).Masked().String()
	}
	a := netip.MustParseAddr(s)
	return netip.PrefixFrom(a, a.BitLen()).String()
}

// words makes topics and patterns that often meet.
func words(m Match, r *rand.Rand) (topic, pattern string) {
	switch m {
	case CIDR:
		prefix := func() string {
			if r.IntN(3) == 0 {
				return fmt.Sprintf("2001:db8:%x::/%d", r.IntN(3)<<14, 28+r.IntN(24))
			}
			if r.IntN(4) == 0 {
				return fmt.Sprintf("10.%d.%d.1", r.IntN(3), r.IntN(3)<<6)
			}
			return fmt.Sprintf("10.%d.%d.0/%d", r.IntN(3), r.IntN(3)<<6, r.IntN(33))
		}
		return prefix(), prefix()
	case Glob:
		letters := func(from string) string {
			b := make([]byte, r.IntN(6))
			for i := range b {
				b[i] = from[r.IntN(len(from))]
			}
			return strings.ReplaceAll(string(b), "e", "é")
		}
		return letters("aabe"), letters("abe**?")
	}
	word := func() string { return string(rune('a' + r.IntN(6))) }
	return word(), word()
}

// Whoever joins, leaves and publishes in whatever order: a board finds whom a
// look at every subscription finds.
func TestBoardFindsWhomAScanFinds(t *testing.T) {
	for _, m := range []Match{Exact, Glob, CIDR} {
		for seed := range uint64(20) {
			r := rand.New(rand.NewPCG(seed, 1))
			b := NewBoard[*client](m, nil)
			var clients []*client
			for step := range 300 {
				topic, pattern := words(m, r)
				if len(clients) == 0 || r.IntN(20) == 0 {
					clients = append(clients, &client{n: uint64(step + 1), patterns: map[string]bool{}})
				}
				c := clients[r.IntN(len(clients))]
				p, err := m.Check(pattern)
				if err != nil {
					t.Fatal(err)
				}
				switch r.IntN(4) {
				case 0, 1:
					if b.Join(c, []string{p}, 0, 0) != nil {
						t.Fatal("a board without history has messages")
					}
					c.patterns[p] = true
				case 2:
					for q := range c.patterns {
						if r.IntN(2) == 0 {
							b.Leave(c, q)
							delete(c.patterns, q)
						}
					}
				}
				topics := []string{topic}
				if other, _ := words(m, r); r.IntN(3) == 0 {
					topics = append(topics, other)
				}
				got, err := b.Publish(nil, topics, nil)
				if err != nil {
					t.Fatal(err)
				}
				var want []*client
				for _, c := range clients {
					for q := range c.patterns {
						if slices.ContainsFunc(topics, func(topic string) bool { return means(m, q, topic) }) {
							want = append(want, c)
							break
						}
					}
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%s, seed %d, step %d: %q goes to %d of %d", m, seed, step, topics, len(got), len(want))
				}
			}
			for _, c := range clients {
				for q := range c.patterns {
					b.Leave(c, q)
				}
			}
			if x, ok := b.index.(*prefixes[*client]); ok && (x.families[0].root != nil || x.families[1].root != nil) {
				t.Fatal("nodes are left when everybody has gone")
			}
			if x, ok := b.index.(*globs[*client]); ok && len(x.shapes)+len(x.plain) > 0 {
				t.Fatal("shapes are left when everybody has gone")
			}
		}
	}
}

// Who joins at any time has had, in the end, what was kept and all that came
// after it, each once and in order, also when something is published while it
// catches up.
func TestHistoryIsReplayedWithoutGap(t *testing.T) {
	for _, m := range []Match{Exact, Glob, CIDR} {
		for seed := range uint64(30) {
			r := rand.New(rand.NewPCG(seed, 2))
			limits := flow.History{Size: 1000, MaxTopics: 1000, MaxBytes: 1 << 20}
			tight := seed%2 == 0
			if tight {
				limits = flow.History{Size: 1 + r.IntN(5), Age: setting.Duration(r.IntN(2) * 50), MaxTopics: 1 + r.IntN(8), MaxBytes: setting.Size(20 + r.IntN(200))}
			}
			b := NewBoard[*client](m, &limits)
			var said [][]string // the topics of message i+1
			var clients []*client
			joined := map[*client]uint64{}
			publish := func(now int64) {
				topic, _ := words(m, r)
				other, _ := words(m, r)
				topics := []string{topic, other}
				message := &Message{Frames: []flow.Frame{{Data: make([]byte, r.IntN(10))}}, Time: now}
				to, err := b.Publish(nil, topics, message)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range to {
					c.got = append(c.got, message.Seq())
				}
				if said = append(said, topics); message.Seq() != uint64(len(said)) {
					t.Fatalf("message %d is number %d", len(said), message.Seq())
				}
				if b.history.bytes > int(limits.MaxBytes) || len(b.history.topics) > limits.MaxTopics {
					t.Fatalf("%d bytes of %d topics are kept", b.history.bytes, len(b.history.topics))
				}
			}
			for step := range 300 {
				now := int64(step)
				publish(now)
				if r.IntN(10) > 0 {
					continue
				}
				c := &client{n: uint64(step + 1), patterns: map[string]bool{}}
				for range 2 {
					_, pattern := words(m, r)
					pattern, _ = m.Check(pattern)
					c.patterns[pattern] = true
				}
				patterns := slices.Sorted(maps.Keys(c.patterns))
				for missed := b.Join(c, patterns, 0, now); missed != nil; missed = b.Join(c, patterns, c.got[len(c.got)-1], now) {
					for _, x := range missed {
						c.got = append(c.got, x.Seq())
					}
					if r.IntN(3) > 0 {
						publish(now)
					}
				}
				joined[c] = uint64(len(said))
				clients = append(clients, c)
			}
			for _, c := range clients {
				var all, live []uint64
				for i, topics := range said {
					if !slices.ContainsFunc(topics, func(topic string) bool {
						return slices.ContainsFunc(slices.Collect(maps.Keys(c.patterns)), func(p string) bool { return means(m, p, topic) })
					}) {
						continue
					}
					all = append(all, uint64(i+1))
					if uint64(i+1) > joined[c] {
						live = append(live, uint64(i+1))
					}
				}
				replayed, rest := c.got[:len(c.got)-len(live)], c.got[len(c.got)-len(live):]
				switch {
				case !slices.Equal(rest, live):
					t.Fatalf("%s, seed %d: got %v, wanted %v at the end", m, seed, c.got, live)
				case !tight && !slices.Equal(c.got, all):
					t.Fatalf("%s, seed %d: got %v, wanted %v", m, seed, c.got, all)
				}
				for i, n := range replayed {
					if i > 0 && n <= replayed[i-1] || !slices.Contains(all, n) {
						t.Fatalf("%s, seed %d: %v is replayed of %v", m, seed, replayed, all)
					}
				}
			}
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	say := func(b *Board[*client], topic string, size int, now int64) {
		t.Helper()
		m := &Message{Frames: []flow.Frame{{Data: make([]byte, size)}}, Time: now}
		if _, err := b.Publish(nil, []string{topic}, m); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		limits flow.History
		say    string // topics, one letter each, at times 0, 10, 20, …
		want   string // what a subscriber of all gets at the end
	}{
		"size":       {flow.History{Size: 2, MaxTopics: 9, MaxBytes: 999}, "aaabab", "abab"},
		"age":        {flow.History{Size: 9, Age: 20, MaxTopics: 9, MaxBytes: 999}, "abcd", "bcd"},
		"topics":     {flow.History{Size: 9, MaxTopics: 2, MaxBytes: 999}, "aabac", "aaac"},
		"bytes":      {flow.History{Size: 9, MaxTopics: 9, MaxBytes: 33}, "abcd", "bcd"},
		"nothing":    {flow.History{Size: 9, MaxTopics: 9, MaxBytes: 10}, "abcd", ""},
		"everything": {flow.History{Size: 9, MaxTopics: 9, MaxBytes: 999}, "abcd", "abcd"},
	} {
		b := NewBoard[*client](Exact, &c.limits)
		topics := map[uint64]string{}
		for i, topic := range c.say {
			say(b, string(topic), 10, int64(10*i))
			topics[uint64(i+1)] = string(topic)
		}
		got := ""
		for _, m := range b.Join(&client{n: 1}, []string{"a", "b", "c", "d"}, 0, int64(10*(len(c.say)-1))) {
			got += topics[m.Seq()]
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// An age passes without anything being published, too.
func TestOldMessagesAreNotReplayed(t *testing.T) {
	b := NewBoard[*client](Exact, &flow.History{Size: 9, Age: setting.Duration(time.Second), MaxTopics: 9, MaxBytes: 999})
	if _, err := b.Publish(nil, []string{"a"}, &Message{Time: 5}); err != nil {
		t.Fatal(err)
	}
	if got := b.Join(&client{n: 1}, []string{"a"}, 0, 5+int64(time.Second)+1); got != nil {
		t.Errorf("%d old messages", len(got))
	}
}

func TestPrefixes(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1":               "192.0.2.1/32",
		"192.0.2.1/24":            "192.0.2.0/24",
		"2001:DB8::1":             "2001:db8::1/128",
		"::ffff:192.0.2.1":        "192.0.2.1/32",
		"::ffff:192.0.2.0/120":    "192.0.2.0/24",
		"0.0.0.0/0":               "0.0.0.0/0",
		"::/0":                    "::/0",
		"":                        "",
		"example.org":             "",
		"192.0.2.0/33":            "",
		"192.0.2.0/-1":            "",
		"fe80::1%eth0":            "",
		"192.0.2":                 "",
		"192.0.2.0/24/24":         "",
		" 192.0.2.0/24":           "",
		"192.0.2.0/255.255.255.0": "",
	} {
		got, err := CIDR.Check(text)
		if (err == nil) != (want != "") || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	b := NewBoard[*client](CIDR, nil)
	if _, err := b.Publish(nil, []string{"here"}, nil); err == nil {
		t.Error("a topic that is no prefix was accepted")
	}
}

func FuzzGlob(f *testing.F) {
	for _, p := range []string{"a*", "*a*b*", "a?b", "??", "", "*", "é?*"} {
		f.Add(p, "aéb")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if strings.ContainsAny(pattern, `[\/`) || strings.Contains(text, "/") || !utf8.ValidString(pattern) || !utf8.ValidString(text) {
			return
		}
		want, err := path.Match(pattern, text)
		if got := matches(pattern, text); err == nil && got != want {
			t.Errorf("%q matches %q: %v, package path says %v", pattern, text, got, want)
		}
	})
}

// 10,000 subscribers with 10 prefixes each: a lookup against a look at every
// subscription.
func BenchmarkCIDR(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 3))
	prefix := func() netip.Prefix {
		a := netip.AddrFrom4([4]byte{byte(r.IntN(224)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})
		p, _ := a.Prefix(12 + r.IntN(13))
		return p
	}
	board := NewBoard[*client](CIDR, nil)
	type subscription struct {
		netip.Prefix
		c *client
	}
	var all []subscription
	for i := range 10_000 {
		c := &client{n: uint64(i + 1)}
		for range 10 {
			p := prefix()
			all = append(all, subscription{p, c})
			board.Join(c, []string{p.String()}, 0, 0)
		}
	}
	topics := make([][]string, 1000)
	var parsed []netip.Prefix
	for i := range topics {
		p := prefix()
		parsed = append(parsed, p)
		topics[i] = []string{p.String()}
	}
	b.Run("index", func(b *testing.B) {
		b.ReportAllocs()
		var to []*client
		n := 0
		for i := 0; b.Loop(); i++ {
			to, _ = board.Publish(to[:0], topics[i%len(topics)], nil)
			n += len(to)
		}
		b.ReportMetric(float64(n)/float64(b.N), "found/op")
	})
	b.Run("scan", func(b *testing.B) {
		n := 0
		for i := 0; b.Loop(); i++ {
			for _, s := range all {
				if s.Overlaps(parsed[i%len(parsed)]) {
					n++
				}
			}
		}
		b.ReportMetric(float64(n)/float64(b.N), "found/op")
	})
}
