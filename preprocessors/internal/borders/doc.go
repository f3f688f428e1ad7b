// Package borders finds where values end that follow each other in a stream without a
// separator: JSON texts, and values of MessagePack. What it finds keeps its place from
// one call to the next, and nothing of what it was given. The stream may be cut anywhere.
//
// Next reads on in the value that has begun, or begins with p, which is not empty. The n
// bytes are the value's; whole says that it ends with them. An error says that it can
// have no end any more: the next value is looked for behind the n bytes, by Skip.
package borders

// idle is the largest buffer that is kept for the next value.
const idle = 2 << 10

func reusable(b []byte) []byte {
	if cap(b) > idle {
		return nil
	}
	return b[:0]
}
