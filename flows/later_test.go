package flows

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
)

// What has come must be struck off the lists of what is to come.
func TestLaterIsNotThere(t *testing.T) {
	there(t, connectors.All, laterConnectors, laterCommon)
	there(t, preprocessors.All, nil, nil)
	arguments(t, "queue", reflect.TypeFor[setting.Queue](), nil)
	arguments(t, "every connector", reflect.TypeFor[flowfile.Common](), laterCommon)
}

func there[C any](t *testing.T, specs []flow.Spec[C], later, common []string) {
	for _, spec := range specs {
		if slices.Contains(later, spec.Name) {
			t.Errorf("%s is there", spec.Name)
		}
		arguments(t, spec.Name, reflect.TypeOf(spec.Config()).Elem(), common)
	}
}

func arguments(t *testing.T, of string, config reflect.Type, common []string) {
	for _, f := range reflect.VisibleFields(config) {
		name, _, _ := strings.Cut(f.Tag.Get("hcl"), ",")
		if name != "" && slices.Contains(append(laterArguments[of], common...), name) {
			t.Errorf("%s of %s is there", name, of)
		}
	}
}
