package topic

import (
	"errors"
	"math/bits"
	"net/netip"
	"strings"
)

var errNoPrefix = errors.New(`it is neither a prefix like "192.0.2.0/24" nor an address`)

// parsePrefix reads a prefix, or an address as the prefix that holds nothing
// else. IPv4 written as IPv6 is IPv4.
func parsePrefix(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, errNoPrefix
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, errNoPrefix
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// prefixes is the index of patterns that are prefixes.
type prefixes[S Subscriber] struct{ families[set[S]] }

func (x *prefixes[S]) add(pattern string, s S) {
	if p, err := parsePrefix(pattern); err == nil { // as Check has seen to
		of := x.of(p).at(keyOf(p))
		*of = (*of).with(s)
	}
}

func (x *prefixes[S]) remove(pattern string, s S) {
	p, err := parsePrefix(pattern)
	if err != nil {
		return
	}
	of := x.of(p).find(keyOf(p))
	if of == nil {
		return
	}
	if *of = (*of).without(s); len(*of) == 0 {
		x.of(p).delete(keyOf(p))
	}
}

func (x *prefixes[S]) match(sets []set[S], topic string) ([]set[S], error) {
	p, err := parsePrefix(topic)
	if err != nil {
		return sets, err
	}
	return x.of(p).touching(sets, keyOf(p)), nil
}

// families are the trees of IPv4 and IPv6.
type families[V any] [2]tree[V]

func (f *families[V]) of(p netip.Prefix) *tree[V] {
	if p.Addr().Is4() {
		return &f[0]
	}
	return &f[1]
}

// key is a prefix as a number: its first n bits, the others are 0.
type key struct {
	hi, lo uint64
	n      int
}

func keyOf(p netip.Prefix) key {
	a := p.Addr().As16()
	var hi, lo uint64
	for i := range 8 {
		hi, lo = hi<<8|uint64(a[i]), lo<<8|uint64(a[i+8])
	}
	if p.Addr().Is4() {
		hi, lo = lo<<32, 0
	}
	return key{hi, lo, p.Bits()}
}

// bit is the bit behind the first i.
func (k key) bit(i int) int {
	if i < 64 {
		return int(k.hi >> (63 - i) & 1)
	}
	return int(k.lo >> (127 - i) & 1)
}

// first is the prefix of the first n bits.
func (k key) first(n int) key {
	switch {
	case n == 0:
		return key{}
	case n <= 64:
		return key{k.hi &^ (1<<(64-n) - 1), 0, n}
	}
	return key{k.hi, k.lo &^ (1<<(128-n) - 1), n}
}

// common counts the bits in which two prefixes agree, as far as both go.
func (k key) common(l key) int {
	n := bits.LeadingZeros64(k.hi ^ l.hi)
	if n == 64 {
		n += bits.LeadingZeros64(k.lo ^ l.lo)
	}
	return min(n, k.n, l.n)
}

// tree is a radix tree: a node's children go on from it with a 0 and with a 1.
// Nodes where two ways part hold no value of their own.
type tree[V any] struct{ root *node[V] }

type node[V any] struct {
	key
	held     bool
	value    V
	children [2]*node[V]
}

// at returns the value of a prefix, which is made when there is none.
func (t *tree[V]) at(k key) *V {
	link := &t.root
	for {
		n := *link
		if n == nil {
			*link = &node[V]{key: k, held: true}
			return &(*link).value
		}
		switch c := n.common(k); {
		case c == n.n && c == k.n:
			n.held = true
			return &n.value
		case c == n.n:
			link = &n.children[k.bit(c)]
		case c == k.n:
			above := &node[V]{key: k, held: true}
			above.children[n.bit(c)] = n
			*link = above
			return &above.value
		default:
			fork := &node[V]{key: k.first(c)}
			fork.children[n.bit(c)] = n
			*link, link = fork, &fork.children[k.bit(c)]
		}
	}
}

// way lists the links from the root to the node of a prefix; nil where there is
// none.
func (t *tree[V]) way(k key) []**node[V] {
	var way []**node[V]
	for link := &t.root; *link != nil; {
		n := *link
		way = append(way, link)
		switch c := n.common(k); {
		case c == n.n && c == k.n && n.held:
			return way
		case c < n.n || c == k.n:
			return nil
		default:
			link = &n.children[k.bit(c)]
		}
	}
	return nil
}

// find returns the value of a prefix; nil when there is none.
func (t *tree[V]) find(k key) *V {
	way := t.way(k)
	if way == nil {
		return nil
	}
	return &(*way[len(way)-1]).value
}

// delete forgets a prefix, and the nodes that are of no use without it.
func (t *tree[V]) delete(k key) {
	way := t.way(k)
	if way == nil {
		return
	}
	var none V
	n := *way[len(way)-1]
	n.held, n.value = false, none
	for i := len(way) - 1; i >= max(0, len(way)-2); i-- {
		switch n := *way[i]; {
		case n.held:
		case n.children[0] == nil:
			*way[i] = n.children[1]
		case n.children[1] == nil:
			*way[i] = n.children[0]
		}
	}
}

// touching appends the values of the prefixes that contain k, or that k contains.
func (t *tree[V]) touching(values []V, k key) []V {
	for n := t.root; n != nil; n = n.children[k.bit(n.n)] {
		c := n.common(k)
		if n.n >= k.n {
			if c == k.n {
				values = n.all(values)
			}
			return values
		}
		if c < n.n {
			return values
		}
		if n.held {
			values = append(values, n.value)
		}
	}
	return values
}

func (n *node[V]) all(values []V) []V {
	if n == nil {
		return values
	}
	if n.held {
		values = append(values, n.value)
	}
	return n.children[1].all(n.children[0].all(values))
}
