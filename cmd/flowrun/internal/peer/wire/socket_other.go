//go:build !unix

package wire

// setReceiveBuffer leaves the system's default where there is no portable way.
func setReceiveBuffer(uintptr, int) error { return nil }
