// Package prefix is the arithmetic of IP prefixes and addresses. Errors do not
// quote what was given.
package prefix

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
)

var (
	errPrefix  = errors.New("the string is no prefix such as 10.0.0.0/8 or 2001:db8::/32")
	errAddress = errors.New("the string is no IP address and no prefix")
)

// Parse reads a prefix; bits outside of it are ignored.
func Parse(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") { // saves an error that allocates
		return netip.Prefix{}, errPrefix
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, errPrefix
	}
	return p.Masked(), nil
}

// ParseAny reads a prefix, or an address as the prefix of it alone. IPv4
// written as IPv6 (::ffff:10.0.0.1) is IPv4.
func ParseAny(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		return Parse(s)
	}
	if s == "" {
		return netip.Prefix{}, errAddress
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, errAddress
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// Covers reports whether all of q lies in p.
func Covers(p, q netip.Prefix) bool { return p.Bits() <= q.Bits() && p.Contains(q.Addr()) }

// Subnet returns the prefix that is newbits longer than p and has the number in
// these bits.
func Subnet(p netip.Prefix, newbits int, number int64) (netip.Prefix, error) {
	bits := p.Bits() + newbits
	switch {
	case newbits < 0 || bits > p.Addr().BitLen():
		return netip.Prefix{}, fmt.Errorf("newbits must be between 0 and %d, the bits that the prefix leaves", p.Addr().BitLen()-p.Bits())
	case number < 0, newbits < 63 && number >= 1<<newbits:
		return netip.Prefix{}, fmt.Errorf("netnum does not fit into %d bits", newbits)
	}
	by := new(big.Int).Lsh(big.NewInt(number), uint(p.Addr().BitLen()-bits))
	return netip.PrefixFrom(plus(p.Addr(), by), bits), nil
}

// Host returns the address of that number in p; a negative number counts from
// the end.
func Host(p netip.Prefix, number int64) (netip.Addr, error) {
	size := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))
	i := big.NewInt(number)
	if number < 0 {
		i.Add(i, size)
	}
	if i.Sign() < 0 || i.Cmp(size) >= 0 {
		return netip.Addr{}, errors.New("the prefix has fewer addresses than that")
	}
	return plus(p.Addr(), i), nil
}

// plus returns the address i after a, which there is.
func plus(a netip.Addr, i *big.Int) netip.Addr {
	b := a.AsSlice()
	sum := new(big.Int).Add(new(big.Int).SetBytes(b), i)
	next, _ := netip.AddrFromSlice(sum.FillBytes(b))
	return next
}
