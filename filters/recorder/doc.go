// Package recorder is the flight recorder: when something happens that matters, a sender also gets the entries that led there,
// which its filters had held back.
//
// Nothing is kept in memory meanwhile, as the log has the entries. A Recorder sees each chunk after its sender's view; where a
// criterion holds it looks back through the log by the key of that entry, has what the view holds back rendered by the same view
// with its filters lifted, and puts that before the entry. What it does follows from the log and from a short state that is kept
// with the sender's position; so after a crash it comes to the same again.
package recorder
