// Package rfc7692 is permessage-deflate, the compression of WebSocket messages
// (RFC 7692), as peers of tests speak it: on the standard library alone, so that
// the connectors are not tested with what they are made of.
package rfc7692

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// RSV are the reserved bits of a compressed message's first frame.
const RSV = 4

const name = "permessage-deflate"

// Modes are how a side may want to compress.
const (
	Off               = "off"
	NoContextTakeover = "no_context_takeover"
	ContextTakeover   = "context_takeover"
)

const (
	clientResets = "client_" + NoContextTakeover
	serverResets = "server_" + NoContextTakeover
)

// Terms say whose messages refer to those before them.
type Terms struct{ Client, Server bool }

// Offer is what a client asks for.
func Offer(mode string) string {
	if mode == NoContextTakeover {
		return name + "; " + clientResets + "; " + serverResets
	}
	return name
}

// Answer is a server's to what a client offers; "" when it does not compress.
func Answer(mode, offers string) (t Terms, answer string) {
	first, _, _ := strings.Cut(offers, ",")
	params := split(first)
	if mode == Off || params[0] != name {
		return t, ""
	}
	t = Terms{Client: mode == ContextTakeover && !slices.Contains(params, clientResets), Server: mode == ContextTakeover && !slices.Contains(params, serverResets)}
	answer = name
	if !t.Client {
		answer += "; " + clientResets
	}
	if !t.Server {
		answer += "; " + serverResets
	}
	return t, answer
}

// Agreed is what a server's answer means to the client that offered mode.
func Agreed(mode, answer string) (t Terms, err error) {
	params := split(answer)
	if mode == Off || params[0] != name {
		return t, fmt.Errorf("the server chose the extension %q, which was not asked for", answer)
	}
	for _, p := range params[1:] {
		if p != clientResets && p != serverResets {
			return t, fmt.Errorf("the server chose %q, which was not asked for", p)
		}
	}
	if mode == NoContextTakeover && !slices.Contains(params, serverResets) {
		return t, errors.New("the server did not agree to " + serverResets)
	}
	return Terms{Client: mode == ContextTakeover && !slices.Contains(params, clientResets), Server: !slices.Contains(params, serverResets)}, nil
}

func split(extension string) []string {
	params := strings.Split(extension, ";")
	for i := range params {
		params[i] = strings.TrimSpace(params[i])
	}
	return params
}

// Pair is what one side compresses and inflates with.
func Pair(ours, theirs bool) (*Deflater, *Inflater) {
	return &Deflater{Takeover: ours}, &Inflater{Takeover: theirs}
}

// Deflater compresses the messages of one side.
type Deflater struct {
	Takeover bool
	w        *flate.Writer
	out      bytes.Buffer
}

// Deflate compresses a message.
func (d *Deflater) Deflate(p []byte) []byte {
	d.out.Reset()
	switch {
	case d.w == nil:
		d.w, _ = flate.NewWriter(&d.out, flate.DefaultCompression) // which is a level
	case !d.Takeover:
		d.w.Reset(&d.out)
	}
	_, _ = d.w.Write(p) // a bytes.Buffer does not fail
	_ = d.w.Flush()
	return bytes.Clone(bytes.TrimSuffix(d.out.Bytes(), []byte("\x00\x00\xff\xff")))
}

// Inflater reads the messages of one side.
type Inflater struct {
	Takeover bool
	window   []byte
}

const maxWindow = 32 << 10

// Inflate returns the message, of at most so many bytes: one more byte is in
// what is returned when it is longer.
func (i *Inflater) Inflate(p []byte, most int64) ([]byte, error) {
	// What was not sent of the end of each message, and an empty last block.
	all := io.MultiReader(bytes.NewReader(p), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))
	out, err := io.ReadAll(io.LimitReader(flate.NewReaderDict(all, i.window), most+1))
	if err != nil {
		return nil, fmt.Errorf("a compressed message cannot be inflated: %w", err)
	}
	if i.Takeover {
		i.window = append(i.window, out...)
		i.window = bytes.Clone(i.window[max(0, len(i.window)-maxWindow):])
	}
	return out, nil
}
