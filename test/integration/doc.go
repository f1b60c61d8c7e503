// Package integration tests the whole program against real servers that take long to fetch or to build: 20,000 numbered
// entries each, with the server stopped in between. The tests have the build tag "integration"; `make integration` runs them.
// What was fetched stays in the user's cache directory.
package integration
