package decode

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
)

// fillVariants reads blocks whose label chooses what is in them. Their places
// are numbered, auth[0].secret, since a label may come again.
func (d *Decoder) fillVariants(f field, blocks []source.Block, path string, g source.Region, meant bool) {
	if len(blocks) == 0 {
		d.missing(f, g, meant)
	}
	for i, b := range blocks {
		label := b.Labels[0]
		n := slices.IndexFunc(f.variants, func(v flow.Spec[any]) bool { return v.Name == label })
		if n < 0 {
			d.fail(b.LabelsAt[0], "%s has no %s %q", g.Owner, f.name, label).Hint("%s", source.DidYouMean(label, namesOf(f.variants)))
			continue
		}
		at := path + "[" + strconv.Itoa(i) + "]"
		d.Places[at] = b.At
		b.Owner = f.name + " " + strconv.Quote(label) + " in " + g.Owner
		config := reflect.ValueOf(f.variants[n].Config())
		d.fill(b.Region, nil, at+".", nil, d.Later[f.name], fieldsOf(config.Elem()))
		f.to.Set(reflect.Append(f.to, config))
	}
}

func namesOf(variants []flow.Spec[any]) []string {
	names := make([]string, 0, len(variants))
	for _, v := range variants {
		names = append(names, v.Name)
	}
	return names
}
