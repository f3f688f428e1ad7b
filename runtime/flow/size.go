package flow

// overhead is about what a value takes beside its text.
const overhead = 24

// Size is about how much memory v takes, in bytes. Of a list or an object in its
// encoded form that is this form, and what somebody has decoded of it.
func (v Value) Size() int {
	if raw, _, ok := v.Encoded(); ok {
		return overhead + len(raw) + v.decodedSize()
	}
	n := overhead + len(v.Text()) + len(v.Bytes())
	for _, x := range v.List() {
		n += x.Size()
	}
	for _, f := range v.Object().Fields() {
		n += len(f.Key) + f.Value.Size()
	}
	return n
}

// decodedSize is what the decoded parts of a value take. Their texts share the
// memory of its encoded form.
func (v Value) decodedSize() (n int) {
	if v.lazy {
		o := (*encoded)(v.ptr).opened.Load()
		if o == nil {
			return 0
		}
		v = o.v
	}
	for _, x := range v.List() {
		n += overhead + x.decodedSize()
	}
	for _, f := range v.Object().Fields() {
		n += overhead + f.Value.decodedSize()
	}
	return n
}
