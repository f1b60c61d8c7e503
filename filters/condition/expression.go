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
	text    string
	program *vm.Program
	fields  []string

	// If it looks at one field only:
	alone   *field
	bit     int  // in the bits of an entry, that it holds for that field; the next one, that it doesn't
	without bool // it holds for entries without the field
}

func newMachine() vm.VM { return vm.VM{MemoryBudget: memory} }

// holds runs the program on the values of fields in env.
func (p *program) holds(machine *vm.VM, env map[string]any) bool {
	out, err := machine.Run(p.program, env)
	holds, ok := out.(bool)
	return err == nil && ok && holds
}

// conjuncts compiles an expression as the parts that all have to hold: those that "&&" and "and" join.
func conjuncts(text string) ([]*program, error) {
	whole, err := compileExpression(text)
	if err != nil {
		return nil, err
	}
	if left, right, ok := splitAnd(text); ok {
		first, err1 := conjuncts(left)
		second, err2 := conjuncts(right)
		if err1 == nil && err2 == nil {
			return append(first, second...), nil
		}
	}
	return []*program{whole}, nil
}

// splitAnd splits an expression at the operator that is its outermost one, if that is "and". It does not if the operator is inside
// parentheses: neither side would parse as what it stood for.
func splitAnd(text string) (left, right string, ok bool) {
	tree, err := parser.Parse(text)
	if err != nil {
		return "", "", false
	}
	both, ok := tree.Node.(*ast.BinaryNode)
	if !ok || both.Operator != "&&" && both.Operator != "and" {
		return "", "", false
	}
	at := both.Location()
	runes := []rune(text)
	if string(runes[at.From:at.To]) != both.Operator { // as that of a < b < c
		return "", "", false
	}
	left, right = string(runes[:at.From]), string(runes[at.To:])
	return left, right, parsesAs(left, both.Left) && parsesAs(right, both.Right)
}

func parsesAs(text string, node ast.Node) bool {
	tree, err := parser.Parse(text)
	return err == nil && tree.Node.String() == node.String()
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
	return &program{text: text, program: p, fields: in.fields}, nil
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
