package expr

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// spellTree spells an expression without its places: the same text means the
// same expression.
func spellTree(e hclsyntax.Expression) string {
	var w treeSpeller
	_ = hclsyntax.Walk(e, &w)
	return w.String()
}

type treeSpeller struct{ strings.Builder }

// Enter spells what begins; Exit closes it.
func (w *treeSpeller) Enter(n hclsyntax.Node) hcl.Diagnostics {
	fmt.Fprintf(w, "%T(", n)
	switch n := n.(type) {
	case *hclsyntax.LiteralValueExpr:
		fmt.Fprintf(w, "%#v", n.Val)
	case *hclsyntax.ScopeTraversalExpr:
		w.path(n.Traversal)
	case *hclsyntax.RelativeTraversalExpr:
		w.path(n.Traversal)
	case *hclsyntax.FunctionCallExpr:
		fmt.Fprintf(w, "%q %v", n.Name, n.ExpandFinal)
	case *hclsyntax.BinaryOpExpr:
		fmt.Fprintf(w, "%p", n.Op) // one of HCL's, each there once
	case *hclsyntax.UnaryOpExpr:
		fmt.Fprintf(w, "%p", n.Op)
	case *hclsyntax.ForExpr:
		fmt.Fprintf(w, "%q %q %v %v %v", n.KeyVar, n.ValVar, n.KeyExpr != nil, n.CondExpr != nil, n.Group)
	case *hclsyntax.ObjectConsKeyExpr:
		fmt.Fprintf(w, "%q %v", hcl.ExprAsKeyword(n.Wrapped), n.ForceNonLiteral)
	}
	return nil
}

// Exit is called after the parts of n.
func (w *treeSpeller) Exit(hclsyntax.Node) hcl.Diagnostics {
	w.WriteByte(')')
	return nil
}

func (w *treeSpeller) path(t hcl.Traversal) {
	for _, s := range t {
		switch s := s.(type) {
		case hcl.TraverseRoot:
			fmt.Fprintf(w, "%q", s.Name)
		case hcl.TraverseAttr:
			fmt.Fprintf(w, ".%q", s.Name)
		case hcl.TraverseIndex:
			fmt.Fprintf(w, "[%#v]", s.Key)
		}
	}
}
