// Package preprocessors holds what reshapes bytes between a connector and a
// codec. Each file is a pair: the preprocessor, which works on what comes in,
// and the postprocessor of the same name, its mirror, which works on what goes
// out.
//
// There are two kinds. Some find the borders of messages in a stream
// (separate, length_prefix, json_stream, …); what they emit does not depend on how the stream
// was cut into pieces on its way. The others turn one message into one message
// (base64, gzip, …) and cannot stand first on a stream of bytes.
//
// A bad message costs only itself. It is reported as a [flow.Loss], with its
// bytes or their beginning, and the messages around it pass. Every limit has a
// default, and is counted in bytes of one message.
//
// Memory follows the contract of [flow.Processor]: what is emitted stays valid
// until the next call, and is a part of the input where it can be. A processor
// that waits for input keeps what has arrived of an unfinished message and at
// most a few small buffers; encoders and decoders belong to nobody and are
// borrowed for one message.
package preprocessors

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
)

// All is the catalogue.
var All = []flow.Spec[flow.ProcessorConfig]{
	separateSpec,
	lengthPrefixSpec,
	jsonStreamSpec,
	msgpackStreamSpec,
	bgpStreamSpec,
	removeEmptySpec,
	base64Spec,
	gzipSpec,
	zlibSpec,
	zstdSpec,
	snappySpec,
	lz4Spec,
	xzSpec,
	decompressSpec,
	gelfChunkingSpec,
	chunkSpec,
	collectSpec,
	ingestTimeSpec,
}

const (
	// idle is the largest buffer that a processor keeps for its next message.
	idle = 2 << 10
	// excerpt is how much of a message too long to keep is reported.
	excerpt = 1 << 10
)

// reusable returns b emptied, for the next message, unless it is too large to
// be kept by a connection that may have nothing to say for hours.
func reusable(b []byte) []byte {
	if cap(b) > idle {
		return nil
	}
	return b[:0]
}

// lose makes the report of a message that is dropped. raw is copied.
func lose(raw []byte, format string, args ...any) *flow.Loss {
	return &flow.Loss{Err: fmt.Errorf(format, args...), Raw: bytes.Clone(raw)}
}

// cutOff is why a message is lost within which its stream has ended.
type cutOff string

func (c cutOff) Error() string { return string(c) }

// Truncated tells the runtime which kind of problem it is.
func (cutOff) Truncated() {}

// losses gathers what one call has to report after the good messages.
type losses []error

func (l *losses) add(loss *flow.Loss) { *l = append(*l, loss) }

// and returns the gathered losses with err, nil when there is neither.
func (l losses) and(err error) error {
	if len(l) == 0 {
		return err
	}
	if err != nil {
		l = append(l, err)
	}
	return errors.Join(l...)
}
