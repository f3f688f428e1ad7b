// Package source is the text of flow files: it parses them, HCL and JSON
// alike, sorts out what stands in their blocks, and holds the [Report], which
// points into the text to tell what is wrong.
//
// Whoever reads a flow asks for the [Content] of a [Region] and says what is
// [Expected] there; everything else is reported with the name that was
// probably meant. Arguments come back as expressions that nobody has looked at
// yet.
//
// A report never shows a secret: pieces of text and values can be hidden from
// it, at any time before it is printed.
package source
