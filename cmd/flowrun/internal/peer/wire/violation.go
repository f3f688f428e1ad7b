package wire

// Violation is something that came and cannot be a message, whatever was
// expected.
type Violation struct{ what string }

// Error says what came.
func (v *Violation) Error() string { return v.what }

// breach is a Violation of the protocol, by what is wrong; nil when nothing is.
func breach(wrong error) error {
	if wrong == nil {
		return nil
	}
	return &Violation{"the other side broke the protocol: " + wrong.Error()}
}
