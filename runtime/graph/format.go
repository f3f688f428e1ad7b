package graph

// Format is a way to draw a graph.
type Format struct {
	Name  string
	Media string // type of what is drawn
	Draw  func(*Graph) string
}

// Formats are all there are, the one for people first.
var Formats = []Format{
	{"text", "text/plain; charset=utf-8", (*Graph).Text},
	{"mermaid", "text/plain; charset=utf-8", (*Graph).Mermaid},
	{"dot", "text/vnd.graphviz; charset=utf-8", (*Graph).DOT},
	{"json", "application/json", func(g *Graph) string { return string(g.JSON()) }},
	{"svg", "image/svg+xml", (*Graph).SVG},
}

// FormatOf finds a format by its name, and says which there are.
func FormatOf(name string) (f Format, names []string, ok bool) {
	for _, one := range Formats {
		names = append(names, one.Name)
		if one.Name == name {
			f, ok = one, true
		}
	}
	return f, names, ok
}
