package flows

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/flowrun/flowrun/flows/source"
)

// Format returns src, the content of a flow file called name, in its one
// layout. A file with wrong syntax is left alone: the result is nil and the
// report says what is wrong.
func Format(name string, src []byte) ([]byte, *Report) {
	r := &Report{}
	src = source.WithoutMark(src)
	isJSON := strings.HasSuffix(name, ".json")
	if r.Parse(name, src, isJSON) == nil {
		return nil, r
	}
	if !isJSON {
		return append([]byte{}, hclwrite.Format(src)...), r
	}
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(src), "", "  "); err != nil {
		r.Errorf(source.NoPlace(name), "%v", err)
		return nil, r
	}
	b.WriteByte('\n')
	return b.Bytes(), r
}
