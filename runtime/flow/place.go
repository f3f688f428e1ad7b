package flow

// Place is where a block or argument stands in its file.
type Place struct {
	File string
	Line int
}
