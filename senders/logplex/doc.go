// Package logplex sends entries to Logplex's HTTP input: as syslog messages in the body of POST requests, see
// doc/README.http_input.md of github.com/heroku/logplex.
package logplex
