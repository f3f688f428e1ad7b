package duplex

import (
	"slices"
	"sync"
)

// corkLimit is how many bytes are collected at most until they are sent: a reader
// that always has more to read may not keep its replies for long.
const corkLimit = 64 << 10

// Page is what waits to be written: frames, one behind the other.
type Page struct {
	Buf   []byte
	ends  []int // in Buf, of all frames
	first int   // of ends, the first frame of the last Write
	begun bool  // the socket has taken some of the first frame
}

var pages = sync.Pool{New: func() any { return &Page{Buf: make([]byte, 0, 4<<10)} }}

// End is called when a frame has been appended to Buf.
func (p *Page) End() { p.ends = append(p.ends, len(p.Buf)) }

// take removes the first n bytes, and returns how many frames end in them that are
// not older than the last Write.
func (p *Page) take(n int) int {
	whole, _ := slices.BinarySearch(p.ends, n+1)
	if n > 0 {
		p.begun = whole == 0 || p.ends[whole-1] < n
	}
	recent := max(0, whole-p.first)
	p.first = max(0, p.first-whole)
	p.ends = p.ends[:copy(p.ends, p.ends[whole:])]
	for i := range p.ends {
		p.ends[i] -= n
	}
	p.Buf = p.Buf[:copy(p.Buf, p.Buf[n:])]
	return recent
}

// drop removes all but the rest of a frame that has begun.
func (p *Page) drop() {
	rest := p.ends[:0]
	p.Buf = p.Buf[:0]
	if p.begun {
		rest = p.ends[:1]
		p.Buf = p.Buf[:rest[0]]
	}
	p.ends = rest
}

func (p *Page) clear() { p.Buf, p.ends, p.first, p.begun = p.Buf[:0], p.ends[:0], 0, false }
