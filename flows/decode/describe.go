package decode

import "github.com/zclconf/go-cty/cty"

// DescribeType names a type as the language does.
func DescribeType(t cty.Type) string {
	switch {
	case t == cty.String:
		return "a string"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsListType() || t.IsTupleType() || t.IsSetType():
		return "a list"
	case t.IsMapType() || t.IsObjectType():
		return "an object"
	}
	return "null"
}

// Describe names what v is as the language does.
func Describe(v cty.Value) string {
	if v.IsNull() {
		return "null"
	}
	return DescribeType(v.Type())
}
