package setting

// Secret is a string that is never shown: printed, logged and encoded it reads
// "(secret)". Reveal gives the string to the code that needs it.
type Secret struct{ s string }

const redacted = "(secret)"

// SecretOf makes s a Secret.
func SecretOf(s string) Secret { return Secret{s} }

// UnmarshalText takes text as it is.
func (s *Secret) UnmarshalText(text []byte) error { s.s = string(text); return nil }

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// String hides the secret.
func (s Secret) String() string { return redacted }

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return redacted }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return s.s }
