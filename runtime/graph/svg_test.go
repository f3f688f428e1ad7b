package graph

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// wellFormed reads a picture to its end.
func wellFormed(t *testing.T, svg string) (text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		if data, ok := token.(xml.CharData); ok {
			text += string(data)
		}
	}
}

func TestPicturesAreXML(t *testing.T) {
	g := New(file(t, "a <b> & \"c\"\x01\xff", "connector server ws_server e<script>&\nconnect c connector.e<script>& to connector.e<script>&"))
	text := wellFormed(t, g.SVG())
	for _, want := range []string{`flow a <b> & "c"` + "\ufffd\ufffd", "connector.e<script>&", "connect.c"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in %q", want, text)
		}
	}
	wellFormed(t, New(file(t, "f", "connector target log alone")).SVG())
}

// TestBoxesDoNotOverlap lays out graphs made at random, cycles included.
func TestBoxesDoNotOverlap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		var lines []string
		n := 1 + r.IntN(12)
		for i := range n {
			lines = append(lines, fmt.Sprintf("connector server ws_server c%d", i))
		}
		for i := range r.IntN(2 * n) {
			lines = append(lines, fmt.Sprintf("connect e%d connector.c%d to connector.c%d connector.c%d", i, r.IntN(n), r.IntN(n), r.IntN(n)))
		}
		g := New(file(t, "random", strings.Join(lines, "\n")))
		wellFormed(t, g.SVG())
		l := newLayout(g, func(n *Node) (int, int) { return 10 + 5*len(n.ID), 20 + len(n.ID) })
		w, h := l.size()
		var all []*spot
		for _, layer := range l.layers {
			all = append(all, layer...)
		}
		for i, a := range all {
			if a.x-a.w/2 < 0 || a.y-a.h/2 < 0 || a.x+a.w/2 > w || a.y+a.h/2 > h {
				t.Fatalf("%+v is outside of %d x %d", a, w, h)
			}
			for _, b := range all[:i] {
				if 2*abs(a.x-b.x) < a.w+b.w && 2*abs(a.y-b.y) < a.h+b.h {
					t.Fatalf("%+v and %+v overlap in\n%s", a, b, strings.Join(lines, "\n"))
				}
			}
		}
		for _, wire := range l.wires {
			if first, last := wire.by[0], wire.by[len(wire.by)-1]; wire.lane == 0 && first.layer >= last.layer {
				t.Fatalf("%s to %s leads back", first.node.ID, last.node.ID)
			}
		}
	}
}

func abs(n int) int { return max(n, -n) }
