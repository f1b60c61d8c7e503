// Package websocket sends entries to a WebSocket server (RFC 6455) in the format of the original: binary messages of
// JSON objects with a NUL between them.
//
// The format has no acknowledgement. A batch counts as accepted when the server has answered a ping that was sent behind
// it: its WebSocket library has then read all that came before. See docs/senders/websocket.md.
package websocket
