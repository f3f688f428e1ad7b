// Package terminal runs a program in a terminal, and shows what is on its screen.
//
// A [Screen] obeys to as much of ECMA-48 as the programs of this repository use, and
// notes what it does not know, so that a test finds it. Where the system has pseudo
// terminals, Open gives one to a program.
package terminal

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Screen is what is to be seen. Its methods may be called from any goroutine.
type Screen struct {
	mu            sync.Mutex
	news          chan struct{} // closed and replaced at each change
	cells         [][]rune
	row, column   int
	rest          []byte // of an escape sequence or a letter
	isAlternate   bool
	isCursorShown bool
	unknown       []string
}

// NewScreen returns one that is empty.
func NewScreen(columns, rows int) *Screen {
	s := &Screen{news: make(chan struct{}), isCursorShown: true}
	s.resize(columns, rows)
	return s
}

// Resize empties the screen.
func (s *Screen) Resize(columns, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resize(columns, rows)
}

func (s *Screen) resize(columns, rows int) {
	s.cells = make([][]rune, rows)
	for i := range s.cells {
		s.cells[i] = slices.Repeat([]rune{' '}, columns)
	}
	s.row, s.column = 0, 0
}

// Write implements io.Writer: it takes what a program writes.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := append(s.rest, p...)
	for len(text) > 0 {
		n := s.obey(text)
		if n == 0 {
			break
		}
		text = text[n:]
	}
	s.rest = slices.Clone(text)
	close(s.news)
	s.news = make(chan struct{})
	return len(p), nil
}

// obey takes one letter or sequence, 0 bytes when it is not whole.
func (s *Screen) obey(text []byte) int {
	switch text[0] {
	case '\r':
		s.column = 0
		return 1
	case '\n':
		if s.row++; s.row == len(s.cells) {
			s.row--
			s.unknown = append(s.unknown, "scrolls")
		}
		return 1
	case '\x1b':
		return s.sequence(text)
	}
	if !utf8.FullRune(text) {
		return 0
	}
	r, n := utf8.DecodeRune(text)
	if s.column == len(s.cells[s.row]) {
		s.unknown = append(s.unknown, "writes beyond the line")
		return n
	}
	s.cells[s.row][s.column] = r
	s.column++
	return n
}

func (s *Screen) sequence(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	end := slices.IndexFunc(text[2:], func(b byte) bool { return b >= 0x40 })
	if end < 0 {
		return 0
	}
	sequence := string(text[1 : end+3])
	switch {
	case sequence == "[H":
		s.row, s.column = 0, 0
	case sequence == "[K":
		s.clear(s.row, min(s.column, len(s.cells[s.row])-1))
	case sequence == "[J":
		s.clear(s.row, min(s.column, len(s.cells[s.row])-1))
		for i := s.row + 1; i < len(s.cells); i++ {
			s.clear(i, 0)
		}
	case sequence == "[?1049h", sequence == "[?1049l":
		s.isAlternate = sequence == "[?1049h"
	case sequence == "[?25h", sequence == "[?25l":
		s.isCursorShown = sequence == "[?25h"
	case strings.HasSuffix(sequence, "m"): // colours
	default:
		s.unknown = append(s.unknown, fmt.Sprintf("%q", sequence))
	}
	return end + 3
}

func (s *Screen) clear(row, from int) {
	for i := from; i < len(s.cells[row]); i++ {
		s.cells[row][i] = ' '
	}
}

// String is the text on the screen, without the space at the end of lines.
func (s *Screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, row := range s.cells {
		lines = append(lines, strings.TrimRight(string(row), " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// AsBefore reports whether the screen and its cursor are as they were before the
// program began.
func (s *Screen) AsBefore() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.isAlternate && s.isCursorShown
}

// Unknown lists what the program did that no line may do, or the screen cannot.
func (s *Screen) Unknown() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.unknown)
}

// Changed returns what is closed at the next change.
func (s *Screen) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.news
}
