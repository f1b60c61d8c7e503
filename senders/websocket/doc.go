// Package websocket sends entries to a WebSocket server (RFC 6455) in the format of the original: binary messages of
// JSON objects with a NUL between them.
//
// The format has no acknowledgement. A server that answers a ping has read all that was sent before it; that its application
// has seen it too is made likely: only what was answered while the connection stayed whole for a while counts as accepted.
// See docs/senders/websocket.md.
package websocket
