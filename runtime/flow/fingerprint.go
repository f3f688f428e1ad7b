package flow

import "crypto/sha256"

// Fingerprint is a hash of all that makes a part of a flow what it is. Two parts
// with the same one, under the same name, do the same: a reload keeps the one
// that runs. How the text is laid out, and where it stands, is not in it; nor is
// what the files hold whose paths a part is given, such as certificates, which
// are read again when they change. Package flows computes it.
//
// It is made of secrets, too, and unsalted: it is for comparing, not for showing.
type Fingerprint [sha256.Size]byte

// Fingerprinted is implemented by expressions, so that what has one of them has
// a Fingerprint.
type Fingerprinted interface{ Fingerprint() Fingerprint }
