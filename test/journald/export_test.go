package journald

// Sweep is what the first Start of a process does.
var Sweep = sweepNow
