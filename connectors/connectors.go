// Package connectors is the catalogue of connectors: one table, made of the
// tables of the worlds that connectors connect to.
package connectors

import (
	"slices"

	"github.com/flowrun/flowrun/connectors/exec"
	"github.com/flowrun/flowrun/connectors/exit"
	"github.com/flowrun/flowrun/connectors/file"
	"github.com/flowrun/flowrun/connectors/host"
	"github.com/flowrun/flowrun/connectors/http"
	"github.com/flowrun/flowrun/connectors/log"
	"github.com/flowrun/flowrun/connectors/metronome"
	"github.com/flowrun/flowrun/connectors/null"
	"github.com/flowrun/flowrun/connectors/observe"
	"github.com/flowrun/flowrun/connectors/stdio"
	"github.com/flowrun/flowrun/connectors/stream"
	"github.com/flowrun/flowrun/connectors/udp"
	"github.com/flowrun/flowrun/connectors/ws"
)

// All is every connector that a flow can name.
var All = slices.Concat(
	ws.Specs,
	http.Specs,
	stream.Specs,
	udp.Specs,
	file.Specs,
	exec.Specs,
	stdio.Specs,
	metronome.Specs,
	host.Specs,
	observe.Specs,
	log.Specs,
	exit.Specs,
	null.Specs,
)
