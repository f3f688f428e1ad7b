package graph

import (
	"cmp"
	"slices"
)

// layout places nodes in layers, from left to right, so that most wires lead to the
// right and few cross: layers by the longest way, order in them by where the
// neighbours are. A wire that passes layers has a joint in each, which takes a place
// as nodes do; one that leads back has a lane below everything.
type layout struct {
	layers [][]*spot
	wires  []route
	lanes  int
}

// spot is a node, or a joint of a wire.
type spot struct {
	node  *Node // nil for a joint
	layer int
	order float64
	x, y  int // of its middle
	w, h  int
	left  []*spot // neighbours in the layer before
	right []*spot
}

// route is a wire by the spots that it passes.
type route struct {
	wire Wire
	by   []*spot
	lane int // of one that leads back, from 1
}

const (
	layerGap = 56
	laneGap  = 12
	spotGap  = 18
	margin   = 16
	passes   = 8
)

// newLayout lays the graph out; size tells the size of a node's box.
func newLayout(g *Graph, size func(*Node) (w, h int)) *layout {
	spots := map[*Node]*spot{}
	for _, n := range g.Nodes {
		s := &spot{node: n}
		s.w, s.h = size(n)
		spots[n] = s
	}
	back := backwards(g)
	rank(g, spots, back)
	l := &layout{}
	for _, n := range g.Nodes {
		l.put(spots[n])
	}
	for _, w := range g.Wires {
		from, to := spots[w.From], spots[w.To]
		if back[w] {
			l.lanes++
			l.wires = append(l.wires, route{wire: w, by: []*spot{from, to}, lane: l.lanes})
			continue
		}
		r := route{wire: w, by: []*spot{from}}
		for at := from.layer + 1; at < to.layer; at++ {
			joint := &spot{layer: at, h: 2}
			l.put(joint)
			r.by = append(r.by, joint)
		}
		r.by = append(r.by, to)
		for i, s := range r.by[1:] {
			r.by[i].right = append(r.by[i].right, s)
			s.left = append(s.left, r.by[i])
		}
		l.wires = append(l.wires, r)
	}
	l.sort()
	l.place()
	return l
}

func (l *layout) put(s *spot) {
	for len(l.layers) <= s.layer {
		l.layers = append(l.layers, nil)
	}
	s.order = float64(len(l.layers[s.layer]))
	l.layers[s.layer] = append(l.layers[s.layer], s)
}

// backwards finds wires without which there is no cycle.
func backwards(g *Graph) map[Wire]bool {
	const entered, left = 1, 2
	back, state := map[Wire]bool{}, map[*Node]int{}
	leaving := map[*Node][]Wire{}
	for _, w := range g.Wires {
		leaving[w.From] = append(leaving[w.From], w)
	}
	var visit func(n *Node)
	visit = func(n *Node) {
		state[n] = entered
		for _, w := range leaving[n] {
			switch state[w.To] {
			case entered:
				back[w] = true
			case left:
			default:
				visit(w.To)
			}
		}
		state[n] = left
	}
	for _, n := range g.Nodes {
		if state[n] == 0 {
			visit(n)
		}
	}
	return back
}

// rank gives each node the layer behind all that lead to it.
func rank(g *Graph, spots map[*Node]*spot, back map[Wire]bool) {
	for changed := true; changed; {
		changed = false
		for _, w := range g.Wires {
			from, to := spots[w.From], spots[w.To]
			if !back[w] && to.layer <= from.layer {
				to.layer = from.layer + 1
				changed = true
			}
		}
	}
}

// sort orders the spots of each layer by the middle of their neighbours.
func (l *layout) sort() {
	for pass := range passes {
		for i := range l.layers {
			at, near := i, func(s *spot) []*spot { return s.left }
			if pass%2 == 1 {
				at, near = len(l.layers)-1-i, func(s *spot) []*spot { return s.right }
			}
			layer := l.layers[at]
			for _, s := range layer {
				if n := near(s); len(n) > 0 {
					sum := 0.0
					for _, other := range n {
						sum += other.order
					}
					s.order = sum / float64(len(n))
				}
			}
			slices.SortStableFunc(layer, func(a, b *spot) int { return cmp.Compare(a.order, b.order) })
			for k, s := range layer {
				s.order = float64(k)
			}
		}
	}
}

// place gives spots their coordinates: layers side by side, each in the middle of the
// highest.
func (l *layout) place() {
	tallest := 0
	for _, layer := range l.layers {
		tallest = max(tallest, height(layer))
	}
	x := margin
	if l.lanes > 0 {
		x += layerGap / 2
	}
	for _, layer := range l.layers {
		wide := 0
		for _, s := range layer {
			wide = max(wide, s.w)
		}
		y := margin + (tallest-height(layer))/2
		for _, s := range layer {
			s.x, s.y = x+wide/2, y+s.h/2
			y += s.h + spotGap
		}
		x += wide + layerGap
	}
}

func height(layer []*spot) int {
	h := -spotGap
	for _, s := range layer {
		h += s.h + spotGap
	}
	return max(h, 0)
}

// bottom is that of the lowest box.
func (l *layout) bottom() (y int) {
	for _, layer := range l.layers {
		for _, s := range layer {
			y = max(y, s.y+s.h/2)
		}
	}
	return y
}

// size is that of the whole picture.
func (l *layout) size() (w, h int) {
	if l.lanes > 0 {
		defer func() { w, h = w+layerGap/2, h+laneGap*l.lanes }()
	}
	for _, layer := range l.layers {
		for _, s := range layer {
			w, h = max(w, s.x+s.w/2), max(h, s.y+s.h/2)
		}
	}
	return w + margin, h + margin
}
