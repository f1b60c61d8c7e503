// Package pattern runs patterns and replacement templates written for Python's re module.
//
// A pattern is parsed as Python parses it, into a tree of its own (parse.go). Everything that depends on flags, on
// Unicode or on case is resolved there into sets of characters, so what comes after knows only sets, sequences,
// alternatives, repeats, groups and a few assertions. From the tree come
//
//   - a program for package regexp, the fast path, in one form for ASCII text and one for any text (emit.go);
//   - a program for a small linear-time matcher of our own (program.go, vm.go), for the few regular things that package
//     regexp has no word for: \b and \B between letters beyond ASCII, $ before a final newline, Python's rules for
//     empty matches;
//   - a program for the backtracking engine regexp2, only where a pattern is not regular: look-around, back-references,
//     conditionals, atomic groups, possessive repeats (backtrack.go). It alone can run out of time: see ErrTimeout;
//   - what every match must contain, or the text begin with, so that most texts are ruled out without running any of these
//     (needle.go, fixedtext.go, start.go, window.go).
//
// docs/patterns.md says what of Python's syntax is covered and where results may differ.
package pattern
