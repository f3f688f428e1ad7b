package call

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// message is the body of a request. net/http may go on to read it when the request is
// over; the bytes belong to somebody else by then.
type message struct {
	mu   sync.Mutex
	data []byte
	over bool
}

// copied is the size up to which net/http is given a copy instead, in a form that it
// knows: it sends that with the head in one write.
const copied = 64 << 10

// attach makes m the body of r, which may be sent more than once.
func (m *message) attach(r *http.Request) {
	switch n := len(m.data); {
	case n == 0:
		r.Body = http.NoBody
		return
	case n <= copied:
		data := bytes.Clone(m.data)
		r.ContentLength = int64(n)
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
		r.Body = io.NopCloser(bytes.NewReader(data))
		return
	}
	r.ContentLength = int64(len(m.data))
	r.GetBody = func() (io.ReadCloser, error) { return &reading{of: m}, nil }
	r.Body = &reading{of: m}
}

// end says that nobody may read the bytes any more.
func (m *message) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over = true
}

// reading is a message that is being sent.
type reading struct {
	of   *message
	read int
}

// Read implements io.Reader.
func (r *reading) Read(p []byte) (int, error) {
	r.of.mu.Lock()
	defer r.of.mu.Unlock()
	if r.of.over {
		return 0, http.ErrBodyReadAfterClose
	}
	if r.read == len(r.of.data) {
		return 0, io.EOF
	}
	n := copy(p, r.of.data[r.read:])
	r.read += n
	return n, nil
}

// Close implements io.Closer.
func (r *reading) Close() error { return nil }

// Answer is what a request was answered with. It must be released.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // until it is released
	Deaf   bool   // nobody wanted it
	buf    *[]byte
}

// Sizes of the buffers that answers are read into.
const (
	smallBody = 4 << 10
	largeBody = 64 << 10 // the largest that is kept for others
)

var buffers = sync.Pool{New: func() any { b := make([]byte, smallBody); return &b }}

// Release says that the body is not needed any more. The zero Answer may be released.
func (a *Answer) Release() {
	if a.buf != nil && cap(*a.buf) <= largeBody {
		buffers.Put(a.buf)
	}
	a.Body, a.buf = nil, nil
}

// read takes a body, of at most limit bytes.
func (a *Answer) read(body io.Reader, limit int64) error {
	a.buf = buffers.Get().(*[]byte)
	for n := 0; ; {
		if n == len(*a.buf) {
			grown := make([]byte, 2*n)
			copy(grown, *a.buf)
			*a.buf = grown
		}
		m, err := body.Read((*a.buf)[n:])
		n += m
		switch {
		case int64(n) > limit:
			return errTooLong
		case err == io.EOF: //nolint:errorlint // readers return it as it is
			a.Body = (*a.buf)[:n]
			return nil
		case err != nil:
			return err
		}
	}
}
