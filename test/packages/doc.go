// Package packages tests what `make packages` has built: they are installed, upgraded, removed and purged in a Debian of their
// own that systemd has booted in a container, and the service is run there in its sandbox. The tests have the build tag
// "packages" and need root; `make package-test` runs them.
package packages
