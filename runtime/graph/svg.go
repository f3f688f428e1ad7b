package graph

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	charWidth  = 7 // of the font, about
	lineHeight = 16
	padding    = 10
)

// SVG draws the graph as a picture, which needs no other program: connectors are
// boxes, pipelines have a double border, edges are round. It holds no script and
// refers to nothing.
func (g *Graph) SVG() string {
	l := newLayout(g, func(n *Node) (w, h int) {
		name, below := n.label()
		lines := 1
		if below != "" {
			lines = 2
		}
		return 2*padding + charWidth*max(utf8.RuneCountInString(name), utf8.RuneCountInString(below)), padding + lineHeight*lines
	})
	w, h := l.size()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="monospace" font-size="11">`+"\n", w, h)
	fmt.Fprintf(&b, "<title>%s</title>\n", svgText("flow "+g.Flow))
	b.WriteString(`<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>` + "\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", w, h)
	for _, r := range l.wires {
		r.draw(&b, l.bottom())
	}
	for _, layer := range l.layers {
		for _, s := range layer {
			if s.node != nil {
				s.draw(&b)
			}
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// draw draws a wire as a curve through its joints, with the name of its port where
// that is not out. One that leads back goes around by its lane, below bottom.
func (r *route) draw(b *strings.Builder, bottom int) {
	from, to := r.by[0], r.by[len(r.by)-1]
	x, y := from.x+from.w/2, from.y
	var path strings.Builder
	fmt.Fprintf(&path, "M%d %d", x, y)
	if r.lane > 0 {
		end, low, bend := to.x-to.w/2, bottom+laneGap*r.lane, layerGap/2
		fmt.Fprintf(&path, "C%d %d %d %d %d %d", x+bend, y, x+bend, low, x, low)
		fmt.Fprintf(&path, "L%d %d", end, low)
		fmt.Fprintf(&path, "C%d %d %d %d %d %d", end-bend, low, end-bend, to.y, end, to.y)
	}
	for _, s := range r.by[1:] {
		if r.lane > 0 {
			break
		}
		end := s.x - s.w/2
		half := (end - x) / 2
		fmt.Fprintf(&path, "C%d %d %d %d %d %d", x+half, y, end-half, s.y, end, s.y)
		x, y = s.x+s.w/2, s.y
	}
	dash := ""
	if r.wire.Port == "err" {
		dash = ` stroke-dasharray="4 3"`
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="#555"%s marker-end="url(#tip)"/>`+"\n", &path, dash)
	if r.wire.Port != "out" {
		fmt.Fprintf(b, `<text x="%d" y="%d" fill="#555">%s</text>`+"\n", from.x+from.w/2+4, from.y-4, svgText(r.wire.Port))
	}
}

func (s *spot) draw(b *strings.Builder) {
	x, y := s.x-s.w/2, s.y-s.h/2
	box := func(inset, round int, fill string) {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" rx="%d" fill="%s" stroke="#333"/>`+"\n", x+inset, y+inset, s.w-2*inset, s.h-2*inset, round, fill)
	}
	switch s.node.Kind {
	case Connector:
		box(0, 2, "#eef4fb")
	case Pipeline:
		box(0, 2, "#f3f0e6")
		box(3, 1, "none")
	case Edge:
		box(0, s.h/2, "#fff")
	}
	name, below := s.node.label()
	at := s.y + 4
	if below != "" {
		at -= lineHeight / 2
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle" fill="#666">%s</text>`+"\n", s.x, at+lineHeight, svgText(below))
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", s.x, at, svgText(name))
}

// svgText spells a text of XML 1.0, which has no control characters.
func svgText(s string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\ufffe' || r == '\uffff' {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(clean)
}
