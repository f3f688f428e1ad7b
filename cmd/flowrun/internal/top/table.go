package top

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// line is a line of the table, and how it is to be shown where there is colour.
type line struct {
	text  string
	style style
}

type style int

const (
	plain style = iota
	head
	bad
	worse
)

// minName is the least width of the column of names.
const minName = 12

// lines makes a table of the reading, at most so many columns wide and, unless it is
// 0, so many rows high.
func (r *reading) lines(columns, rows int) []line {
	all := []line{{r.title(columns), head}}
	if r.err != nil {
		return append(all, line{}, line{cut("not heard of for "+r.at.Sub(r.heard).Round(time.Second).String()+":", columns), bad}, line{cut(r.err.Error(), columns), bad})
	}
	width := r.nameWidth(columns)
	all = append(all, line{}, line{cut(row(width, "CONNECTOR", "STATE", "CONNS", "IN/s", "OUT/s", "QUEUED", "LOST", "FAILED"), columns), head})
	room := len(r.connectors)
	if rows > 0 && len(all)+room > rows {
		room = max(rows-len(all)-1, 0)
	}
	for _, c := range r.connectors[:room] {
		n := &c.Counters
		text := row(width, c.Flow+"/"+c.Name, c.state(), number(float64(n.Connections)), c.rate(c.In), c.rate(c.Out),
			number(float64(n.Waiting)), number(float64(lost(n))), number(float64(n.Failed)))
		all = append(all, line{cut(text, columns), c.style()})
	}
	if more := len(r.connectors) - room; more > 0 {
		return append(all, line{cut(fmt.Sprintf("and %d more", more), columns), plain})
	}
	return append(all, r.errors(columns, rows-len(all), rows > 0)...)
}

// errors tells why connectors are not up, as far as there is room.
func (r *reading) errors(columns, room int, limited bool) (all []line) {
	for _, c := range r.connectors {
		if c.Up || c.LastError == "" {
			continue
		}
		if len(all) == 0 {
			all = append(all, line{})
		}
		if limited && len(all) >= room {
			break
		}
		text := c.Flow + "/" + c.Name + ": " + c.LastError
		if c.NextRetry != nil {
			text += ", next attempt in " + max(c.NextRetry.Sub(r.at), 0).Round(100*time.Millisecond).String()
		}
		all = append(all, line{cut(text, columns), bad})
	}
	if len(all) == 1 {
		return nil
	}
	return all
}

func (c *connector) state() string {
	if c.Paused {
		return "paused"
	}
	return string(c.State)
}

func (c *connector) style() style {
	switch {
	case !c.Up:
		return bad
	case c.Paused:
		return worse
	case c.worse:
		return worse
	}
	return plain
}

func (c *connector) rate(r float64) string {
	if !c.known {
		return "-"
	}
	return number(r)
}

// title says which process, how it is, and when.
func (r *reading) title(columns int) string {
	_, address, _ := strings.Cut(r.address, "://")
	left, right := "flowrun at "+address, r.at.Format(time.TimeOnly)
	if r.err == nil {
		word := "ready"
		if !r.status.Ready {
			word = "not ready"
		}
		left += fmt.Sprintf("   %s, %s for %s", word, r.status.Phase, r.at.Sub(r.status.Started).Round(time.Second))
	}
	if gap := columns - utf8.RuneCountInString(left) - len(right); gap > 0 {
		return left + strings.Repeat(" ", gap) + right
	}
	return cut(left, columns)
}

// others is what a row takes beside the name.
const others = 1 + 12 + 1 + 6 + 1 + 7 + 1 + 7 + 1 + 6 + 1 + 6 + 1 + 6

func row(width int, name, state, conns, in, out, queued, lost, failed string) string {
	return fmt.Sprintf("%s %-12s %6s %7s %7s %6s %6s %6s", pad(cut(name, width), width), state, conns, in, out, queued, lost, failed)
}

// nameWidth is as much as names need, or as there is room.
func (r *reading) nameWidth(columns int) int {
	width := minName
	for _, c := range r.connectors {
		width = max(width, utf8.RuneCountInString(c.Flow)+1+utf8.RuneCountInString(c.Name))
	}
	return max(min(width, columns-others), minName)
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(width-utf8.RuneCountInString(text), 0))
}

// cut leaves out what is too long, and what would move the cursor: texts come from
// other machines.
func cut(text string, columns int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	switch {
	case utf8.RuneCountInString(text) <= columns:
		return text
	case columns < 1:
		return ""
	}
	return string([]rune(text)[:columns-1]) + "…"
}

// number spells n in six columns at most: 999, 12.3k, 1.2M.
func number(n float64) string {
	if n < 9.95 && n != float64(int(n)) {
		return strconv.FormatFloat(n, 'f', 1, 64)
	}
	for _, unit := range []string{"", "k", "M", "G", "T", "P"} {
		if n < 999.5 {
			if unit == "" || n >= 99.95 {
				return strconv.FormatFloat(n, 'f', 0, 64) + unit
			}
			return strconv.FormatFloat(n, 'f', 1, 64) + unit
		}
		n /= 1000
	}
	return strconv.FormatFloat(n, 'f', 0, 64) + "E"
}
