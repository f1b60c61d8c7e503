// Package search finds entries by patterns on their fields and counts them by what the patterns' named groups matched,
// as tags of a metric.
//
// What a pattern says of a field that many entries share (a Ref into the chunk's Dict) is computed once for the Dict.
// Only where those fields leave a search possible are the patterns on an entry's own fields run, and of those first a
// test for all of them at once (pattern.Set).
package search
