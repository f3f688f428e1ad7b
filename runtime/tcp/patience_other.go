//go:build !linux

package tcp

import "github.com/flowrun/flowrun/runtime/setting"

// SetPatience leaves to the system for how long it sends again what a peer does not
// acknowledge.
func SetPatience(uintptr, setting.SocketOptions) error { return nil }
