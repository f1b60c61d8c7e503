// Package scan reads logs for commands that only look: all there is, or the entries that somebody has chosen.
package scan
