package aggregate

import (
	"math"
	"math/bits"
	"slices"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/valuekey"
)

// wide is an integer of 128 bits, in two's complement.
type wide struct{ hi, lo uint64 }

func wideOf(i int64) wide { return wide{uint64(i >> 63), uint64(i)} }

func (w wide) plus(x wide) wide {
	lo, carry := bits.Add64(w.lo, x.lo, 0)
	hi, _ := bits.Add64(w.hi, x.hi, carry)
	return wide{hi, lo}
}

// int64 is w as an integer of 64 bits, false when it is none.
func (w wide) int64() (int64, bool) {
	i := int64(w.lo)
	return i, w.hi == uint64(i>>63)
}

func (w wide) float() float64 {
	if i, ok := w.int64(); ok {
		return float64(i)
	}
	return float64(int64(w.hi))*(1<<64) + float64(w.lo)
}

func (s *State) add(in *Input) {
	if in.whole {
		s.whole = s.whole.plus(wideOf(in.Value.Int()))
		return
	}
	s.mixed = true
	s.fraction(in.float)
}

// fraction adds f to the sum of fractions and keeps what rounding lost.
func (s *State) fraction(f float64) {
	t := s.frac + f
	if math.Abs(s.frac) >= math.Abs(f) {
		s.err += (s.frac - t) + f
	} else {
		s.err += (f - t) + s.frac
	}
	s.frac = t
}

func (s *State) sum() (flow.Value, error) {
	if s.mixed {
		return finite(s.total())
	}
	if i, ok := s.whole.int64(); ok {
		return flow.IntOf(i), nil
	}
	return flow.NullValue, errSum
}

func (s *State) total() float64 {
	if math.IsInf(s.frac, 0) {
		return s.frac
	}
	return s.whole.float() + (s.frac + s.err)
}

func finite(f float64) (flow.Value, error) {
	if f-f != 0 {
		return flow.NullValue, errFinite
	}
	return flow.FloatOf(f), nil
}

// mean is a whole number where it can be.
func (s *State) mean() (flow.Value, error) {
	if i, ok := s.whole.int64(); ok && !s.mixed && i%s.n == 0 {
		return flow.IntOf(i / s.n), nil
	}
	return finite(s.total() / float64(s.n))
}

func (s *State) deviation() (flow.Value, error) {
	if s.n < 2 {
		return flow.NullValue, nil
	}
	return finite(math.Sqrt(s.err / float64(s.n-1)))
}

func (s *State) list() flow.Value {
	if s.kept == nil {
		return flow.ListOf(nil)
	}
	return flow.ListOf(slices.Clone(s.kept.list))
}

// fewDistinct is up to how many values distinct compares one by one.
const fewDistinct = 16

// meet keeps a value that has not been there before.
func (k *kept) meet(v flow.Value, limit int) {
	if limit > 0 && len(k.list) >= limit {
		return
	}
	if k.seen == nil && len(k.list) < fewDistinct {
		if !slices.ContainsFunc(k.list, v.Equal) {
			k.list = append(k.list, v.Held())
		}
		return
	}
	if k.seen == nil {
		k.seen = make(map[string]struct{}, 2*len(k.list))
		for _, x := range k.list {
			k.seen[string(valuekey.Append(nil, x))] = struct{}{}
		}
	}
	var room [64]byte
	key := valuekey.Append(room[:0], v)
	if _, there := k.seen[string(key)]; there {
		return
	}
	k.seen[string(key)] = struct{}{}
	k.list = append(k.list, v.Held())
}

func (k *kept) merge(c *Call, later *kept) {
	switch c.op {
	case opCollect:
		k.list = append(k.list, later.list...)
		if c.Limit > 0 && len(k.list) > c.Limit {
			k.list = k.list[:c.Limit]
		}
	case opDistinct:
		for _, v := range later.list {
			k.meet(v, c.Limit)
		}
	default:
		if later.sketch != nil {
			k.intoSketch()
			k.sketch.merge(later.sketch)
		}
		for _, f := range later.exact {
			k.measure(f)
		}
	}
}
