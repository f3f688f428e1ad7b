package peer

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/message"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/wire"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc6455"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc7692"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Send is the step `send`.
type Send struct {
	message.Content
	Lines     setting.Path     `hcl:"lines" doc:"each line of the file is a message"`
	Type      string           `hcl:"type" oneof:"text|binary" doc:"the kind of the frame; binary for hex and base64, text for everything else when not given"`
	Count     int              `hcl:"count" min:"1" doc:"how often; n is the number of the message, from 0"`
	Every     setting.Duration `hcl:"every" doc:"time from one message to the next; none when not given"`
	Fragments int              `hcl:"fragments" min:"1" doc:"frames that each message is cut into"`
	Within    setting.Duration `hcl:"within" min:"1ms" doc:"deadline for each message to be taken by the other side's machine; that of the peer when not given"`
}

// Check implements Checker.
func (s *Send) Check() error {
	switch names := s.Given(); {
	case len(names) == 0 && s.Lines == "":
		return errors.New("send needs a message: one of text, json, hex, base64, file, lines")
	case len(names) > 0 && s.Lines != "":
		return &setting.Error{Field: "lines", Err: fmt.Errorf("a message is %s or lines, not both", names[0])}
	}
	return s.Content.Check()
}

// Run implements Step.
func (s *Send) Run(ctx context.Context, p *Peer) error {
	c, err := p.connection(ctx)
	if err != nil {
		return err
	}
	if c.Bare {
		return errors.New("there was no handshake: raw writes bytes")
	}
	var all [][]byte
	if s.Lines != "" {
		if all, err = message.Lines(s.Lines); err != nil {
			return err
		}
	}
	outer := p.N
	defer func() { p.N = outer }()
	total := s.Count * max(1, len(all))
	for i := range total {
		if total > 1 {
			p.N = i
		}
		if i > 0 && s.Every > 0 && !sleep(ctx, time.Duration(s.Every)) {
			return context.Cause(ctx)
		}
		m := wire.Message{Binary: s.Type == "binary"}
		if s.Lines != "" {
			m.Data = all[i%len(all)]
		} else {
			var binary bool
			if m.Data, binary, err = s.Bytes(&p.Scope); err != nil {
				return err
			}
			m.Binary = m.Binary || binary && s.Type == ""
		}
		if err := s.one(ctx, p, c, m); err != nil {
			if total > 1 {
				err = fmt.Errorf("message %d of %d: %w", i+1, total, err)
			}
			return err
		}
	}
	return nil
}

// one writes a message, in fragments if so wanted.
func (s *Send) one(ctx context.Context, p *Peer, c *wire.Conn, m wire.Message) error {
	ctx, cancel := p.deadline(ctx, s.Within)
	defer cancel()
	p.log.Add("sent      %s", m.Glimpse())
	op, rsv, rest := byte(rfc6455.Text), byte(0), m.Data
	if m.Binary {
		op = rfc6455.Binary
	}
	if c.Deflate != nil {
		rsv, rest = rfc7692.RSV, c.Deflate.Deflate(m.Data)
	}
	size := (len(rest) + s.Fragments - 1) / s.Fragments
	var out []byte
	for i := range s.Fragments {
		part := rest[:min(size, len(rest))]
		rest = rest[len(part):]
		fin := i == s.Fragments-1
		out = rfc6455.AppendFrame(out, rfc6455.Header{Opcode: op, RSV: rsv, Fin: fin, Masked: c.Client, Length: uint64(len(part))}, part)
		op, rsv = rfc6455.Continuation, 0
	}
	return p.write(ctx, c, out)
}

// Frame is the step `frame`.
type Frame struct {
	Opcode int              `hcl:"opcode" min:"0" max:"15" doc:"0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong; others are reserved"`
	Fin    bool             `hcl:"fin" doc:"it is the last of its message"`
	RSV    int              `hcl:"rsv" min:"0" max:"7" doc:"the three reserved bits"`
	Masked string           `hcl:"masked" oneof:"yes|no" doc:"by default as the role asks for: clients mask, servers do not"`
	Length int              `hcl:"length" doc:"what the header says, when that is not the length of the payload"`
	Text   flow.Expr        `hcl:"text" vars:"index|n|saved|text" doc:"payload, a text"`
	Hex    string           `hcl:"hex" doc:"payload, spelled as \"00 ff\""`
	Within setting.Duration `hcl:"within" min:"1ms" doc:"deadline; that of the peer when not given"`
}

// Check implements Checker.
func (f *Frame) Check() error {
	if f.Text != nil && f.Hex != "" {
		return &setting.Error{Field: "hex", Err: errors.New("the payload is text or hex, not both")}
	}
	if _, err := message.Unhex(f.Hex); err != nil {
		return &setting.Error{Field: "hex", Err: err}
	}
	return nil
}

// Run implements Step.
func (f *Frame) Run(ctx context.Context, p *Peer) error {
	c, err := p.connection(ctx)
	if err != nil {
		return err
	}
	payload, err := message.Unhex(f.Hex)
	if f.Text != nil {
		payload, err = p.Text(f.Text, "text")
	}
	if err != nil {
		return err
	}
	h := rfc6455.Header{Opcode: byte(f.Opcode), Fin: f.Fin, RSV: byte(f.RSV), Masked: c.Client, Length: uint64(len(payload))}
	if f.Masked != "" {
		h.Masked = f.Masked == "yes"
	}
	if f.Length >= 0 {
		h.Length = uint64(f.Length)
	}
	p.log.Add("sent      a %s frame %s", rfc6455.OpcodeName(h.Opcode), wire.Excerpt(payload))
	ctx, cancel := p.deadline(ctx, f.Within)
	defer cancel()
	return p.provoke(ctx, c, rfc6455.AppendFrame(nil, h, payload))
}

// Raw is the step `raw`.
type Raw struct {
	Text   flow.Expr        `hcl:"text" vars:"index|n|saved|text" doc:"the bytes, as a text"`
	Hex    string           `hcl:"hex" doc:"the bytes, spelled as \"00 ff\""`
	Within setting.Duration `hcl:"within" min:"1ms" doc:"deadline; that of the peer when not given"`
}

// Check implements Checker.
func (r *Raw) Check() error {
	if (r.Text != nil) == (r.Hex != "") {
		return errors.New("raw needs bytes: text or hex")
	}
	if _, err := message.Unhex(r.Hex); err != nil {
		return &setting.Error{Field: "hex", Err: err}
	}
	return nil
}

// Run implements Step.
func (r *Raw) Run(ctx context.Context, p *Peer) error {
	c, err := p.connection(ctx)
	if err != nil {
		return err
	}
	data, err := message.Unhex(r.Hex)
	if r.Text != nil {
		data, err = p.Text(r.Text, "text")
	}
	if err != nil {
		return err
	}
	p.log.Add("sent      %d bytes  %s", len(data), wire.Glimpse(data))
	ctx, cancel := p.deadline(ctx, r.Within)
	defer cancel()
	return p.provoke(ctx, c, data)
}

// ExpectRaw is the step `expect_raw`.
type ExpectRaw struct {
	Matches message.Pattern  `hcl:"matches" required:"true" doc:"regular expression that all that has arrived so far must match"`
	Within  setting.Duration `hcl:"within" min:"1ms" doc:"deadline; that of the peer when not given"`
}

// Run implements Step.
func (x *ExpectRaw) Run(ctx context.Context, p *Peer) error {
	c, err := p.connection(ctx)
	if err != nil {
		return err
	}
	if !c.Bare {
		return errors.New("expect_raw is for connections without a handshake: dial or accept with tcp = true")
	}
	ctx, cancel := p.deadline(ctx, x.Within)
	defer cancel()
	raw, found, end, err := c.Raw(ctx, x.Matches.Match)
	if found {
		text := ""
		if utf8.Valid(raw) {
			text = string(raw)
		}
		p.Take(flow.Event{Value: flow.BytesOf(raw)}, text)
		return nil
	}
	u := &message.Unexpected{What: "the bytes that came do not match", Expected: []string{"matches " + x.Matches.String()}, Got: wire.Excerpt(raw)}
	if err != nil {
		u.What += soon(err)
	} else {
		u.Notes = append(u.Notes, "then the connection ended: "+end.String())
	}
	return u
}
