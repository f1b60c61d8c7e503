package condition

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"journalpump/internal/conf"
)

// Expression is an expression of https://expr-lang.org that says yes or no. Names of fields, in capitals, are its variables:
// texts, "" where the entry lacks the field, the last value where it has several.
//
// It can neither loop nor grow: of the language it has operators, comparisons and a few functions on texts.
type Expression string

// DecodeConf implements conf.Decoder.
func (x *Expression) DecodeConf(v conf.Value) error {
	text, ok := v.Text()
	if !ok {
		return fmt.Errorf("must be a string, not %s", v.Kind())
	}
	*x = Expression(text)
	_, err := compileExpression(text)
	return err
}

const (
	maxNodes   = 500 // of an expression's tree
	maxFields  = 16  // that an expression looks at
	memoFields = 4   // up to which what it says is remembered
	memory     = 10_000
)

// functions are those of the language's builtins that an expression may use.
func functions() []string {
	return []string{"len", "int", "float", "lower", "upper", "trim", "trimPrefix", "trimSuffix", "indexOf", "lastIndexOf", "abs"}
}

// program is a compiled expression. It may be used concurrently, but not a vm.VM.
type program struct {
	program *vm.Program
	fields  []string
}

func compileExpression(text string) (*program, error) {
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, firstLine(err)
	}
	var in inspector
	ast.Walk(&tree.Node, &in)
	if in.err != nil {
		return nil, in.err
	}
	if len(in.fields) > maxFields {
		return nil, fmt.Errorf("looks at more than %d fields", maxFields)
	}
	env := make(map[string]any, len(in.fields))
	for _, name := range in.fields {
		env[name] = ""
	}
	options := []expr.Option{expr.Env(env), expr.AsBool(), expr.WarnOnAny(), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins()}
	for _, name := range functions() {
		options = append(options, expr.EnableBuiltin(name))
	}
	p, err := expr.Compile(text, options...)
	if err != nil {
		return nil, firstLine(err)
	}
	return &program{program: p, fields: in.fields}, nil
}

// firstLine leaves out the drawing that shows where in the expression something is wrong; line and column are said before it.
func firstLine(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(text)
}

// inspector looks for the fields of an expression and refuses what takes more than a moment.
type inspector struct {
	fields []string
	err    error
}

// Visit implements ast.Visitor.
func (in *inspector) Visit(node *ast.Node) {
	if in.err != nil {
		return
	}
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if !isFieldName(n.Value) {
			in.err = fmt.Errorf("unknown name %q: fields are in capitals%s", n.Value, conf.DidYouMean(n.Value, functions()))
		} else if !slices.Contains(in.fields, n.Value) {
			in.fields = append(in.fields, n.Value)
		}
	case *ast.BinaryNode:
		_, constant := n.Right.(*ast.StringNode)
		switch {
		case n.Operator == "..":
			in.err = errors.New(`".." is not to be had`)
		case n.Operator == "matches" && !constant:
			in.err = errors.New(`the pattern after "matches" must be a text, not what a field has`)
		}
	case *ast.BuiltinNode:
		in.checkFunction(n.Name)
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); ok {
			in.checkFunction(name.Value)
		} else {
			in.err = errors.New("only functions can be called")
		}
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.ConstantNode, *ast.UnaryNode,
		*ast.SliceNode, *ast.ConditionalNode, *ast.ArrayNode:
	default:
		in.err = fmt.Errorf("%q is not to be had", (*node).String())
	}
}

func (in *inspector) checkFunction(name string) {
	if known := functions(); !slices.Contains(known, name) {
		in.err = fmt.Errorf("unknown function %q; there are %s%s", name, strings.Join(known, ", "), conf.DidYouMean(name, known))
	}
}
