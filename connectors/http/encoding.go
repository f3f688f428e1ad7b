package http

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/flowrun/flowrun/runtime/access"
)

// codings are those of RFC 9110, 8.4.1 and RFC 8878 that bodies may come in.
const codings = "gzip, zstd"

var unknownCoding = &access.Refusal{
	Status: http.StatusUnsupportedMediaType, Code: "unsupported_content_encoding",
	Message: "the Content-Encoding of the body is not one of " + codings, Reason: "its Content-Encoding is not known",
}

// decoder unpacks. Reset, which may read, begins anew.
type decoder struct {
	io.Reader
	reset func(io.Reader) error
	pool  *sync.Pool
}

// zstdWindow is the largest that RFC 9659 allows a sender.
const zstdWindow = 8 << 20

var gzips, zstds sync.Pool // those that have no work

// newDecoder returns the one of a coding; nil of one that is not known.
func newDecoder(coding string) *decoder {
	switch coding {
	case "gzip", "x-gzip":
		if d, ok := gzips.Get().(*decoder); ok {
			return d
		}
		z := new(gzip.Reader)
		return &decoder{z, z.Reset, &gzips}
	case "zstd":
		if d, ok := zstds.Get().(*decoder); ok {
			return d
		}
		z, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow)) // options that are always good
		return &decoder{z, z.Reset, &zstds}
	}
	return nil
}

// unpack makes the body of a request what it was before it was compressed, and takes
// the header fields that told so. Where it has returned a body, that must be closed.
func (s *server) unpack(q *http.Request) (*packed, *access.Refusal) {
	said := q.Header["Content-Encoding"]
	if len(said) == 0 || !s.config.Decompress || q.ContentLength == 0 {
		return nil, nil
	}
	coding := strings.ToLower(strings.TrimSpace(strings.Join(said, ",")))
	if coding == "" || coding == "identity" {
		return nil, nil
	}
	d := newDecoder(coding)
	if d == nil {
		return nil, unknownCoding
	}
	q.Header.Del("Content-Encoding")
	q.Header.Del("Content-Length")
	p := &packed{decoder: d, left: s.config.maxBody(), src: q.Body}
	q.Body = p
	return p, nil
}

// packed is the body of a request, unpacked as it is read. What it unpacks to has the
// limit of bodies, which body sees to, and so has what comes, which may unpack to
// nothing.
type packed struct {
	*decoder
	src   io.Reader
	left  int64 // bytes that may come
	err   error // the last one of src
	begun bool
}

// Read implements io.Reader.
func (p *packed) Read(b []byte) (n int, err error) {
	if !p.begun {
		p.begun, err = true, p.reset(arriving{p})
	}
	if err == nil {
		n, err = p.decoder.Read(b)
	}
	if err != nil && p.err != nil && !errors.Is(p.err, io.EOF) {
		err = p.err // and not what the decoder makes of it
	}
	return n, err
}

// Close implements io.Closer: the decoder is free for others.
func (p *packed) Close() error {
	_ = p.reset(nothing{}) // lets go of the request; that nothing is no file, is no error here
	p.pool.Put(p.decoder)
	return nil
}

// arriving is what comes of a body.
type arriving struct{ *packed }

// Read implements io.Reader.
func (a arriving) Read(b []byte) (n int, err error) {
	if int64(len(b)) > a.left+1 {
		b = b[:a.left+1]
	}
	n, err = a.src.Read(b)
	if a.left -= int64(n); a.left < 0 {
		err = tooLarge
	}
	a.packed.err = err
	return n, err
}

// nothing is what a decoder without work reads.
type nothing struct{}

// Read implements io.Reader.
func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
