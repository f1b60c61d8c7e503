// Package web shows over HTTP how the agent is doing: metrics for Prometheus, health for whoever restarts programs, and a
// page for people. It only reads: nothing that it serves changes anything.
package web
