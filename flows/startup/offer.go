package startup

import "github.com/zclconf/go-cty/cty/function"

// Offer adds a function that start-up expressions may call, beside those that
// every flow has. Whoever reads something else than a flow calls it before the
// first expression is computed: test files have free_port().
func (s *Values) Offer(name string, f function.Function) { s.context.Functions[name] = f }
