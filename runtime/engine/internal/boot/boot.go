// Package boot names a run of the process, so that what one run of it has named is
// never taken for what another has.
package boot

import (
	"crypto/rand"
	"encoding/base32"
	"os"
	"strings"
)

// ID names this run of the process: "<node>.<boot>". Connection ids begin
// with it, so that none is used twice, on whatever node.
func ID() string {
	node, err := os.Hostname()
	if err != nil || node == "" {
		node = "localhost"
	}
	var random [5]byte
	_, _ = rand.Read(random[:]) // does not fail
	return node + "." + strings.ToLower(base32.StdEncoding.EncodeToString(random[:]))
}
