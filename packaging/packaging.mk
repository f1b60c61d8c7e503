# Packages, and what is checked before a release. Part of the Makefile.
#
# The same commit gives the same bytes wherever it is built with the same Go (and, for the binary with cgo in deb and rpm, the
# same gcc and glibc): all times are the commit's, no path and no name of the machine gets in. `make reproducible` looks whether that is so.

NFPM_VERSION        := 2.45.2 # later ones need modules that not every proxy has
CYCLONEDX_VERSION   := 1.10.0
GOVULNCHECK_VERSION := 1.9.0
NFPM        := bin/tools/nfpm
CYCLONEDX   := bin/tools/cyclonedx-gomod
GOVULNCHECK := bin/tools/govulncheck

MAINTAINER ?= The journalpump developers <journalpump@localhost>
ARCH       ?= $(shell $(GO) env GOARCH)
PACKAGES   := build/package

export MAINTAINER ARCH
export SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

RELEASE_FLAGS = -tags $(TAGS) -trimpath -buildvcs=$(BUILDVCS) -ldflags "-s -w -X main.release=$$(packaging/version tag)"

# The packages of Debian for building, testing and judging packages.
PACKAGE_PACKAGES      := $(BUILD_PACKAGES) binutils
PACKAGE_TEST_PACKAGES := $(PACKAGE_PACKAGES) debootstrap systemd systemd-container lintian rpm cpio rpmlint skopeo shellcheck

.PHONY: deb rpm apk tarball container packages package-test reproducible sbom licences vulnerabilities release-check \
        need-package need-package-test package-binaries package-documents

packages: deb rpm apk tarball container ## build all packages into build/package

# $(call stage,FORMAT,BINARY)
stage = packaging/stage $(1) $(PACKAGES)/$(2)/journalpump $(PACKAGES)/documents $(PACKAGES)/stage/$(1)/tree
# $(call nfpm,FORMAT)
nfpm = VERSION=$$(packaging/version $(1)) STAGE=$(PACKAGES)/stage/$(1) LIBC=$(libc) $(NFPM) package --config packaging/nfpm.yaml --packager $(1) --target $(PACKAGES)/
# The newest symbols of glibc that the binary asks for say which glibc the package needs.
libc = $$(objdump -T $(PACKAGES)/cgo/journalpump | sed -n 's/.*GLIBC_\([0-9.]*\).*/\1/p' | sort -Vu | tail -n 1)

deb: package-documents $(NFPM) ## build a Debian package
	$(call stage,deb,cgo)
	@rm -f $(PACKAGES)/*.deb
	$(call nfpm,deb)

rpm: package-documents $(NFPM) ## build an RPM package
	$(call stage,rpm,cgo)
	@rm -f $(PACKAGES)/*.rpm
	$(call nfpm,rpm)

apk: package-documents $(NFPM) ## build an Alpine package (static binary)
	$(call stage,apk,static)
	@rm -f $(PACKAGES)/*.apk
	$(call nfpm,apk)

tarball: package-documents ## build a tar archive for everything else (static binary)
	$(call stage,tarball,static)
	@rm -f $(PACKAGES)/*.tar.gz
	tar --create --sort=name --mtime=@$(SOURCE_DATE_EPOCH) --owner=0 --group=0 --numeric-owner --format=ustar \
	  --directory $(PACKAGES)/stage/tarball/tree --transform 's,^\.,journalpump-'"$$(packaging/version tag)"',' . | gzip -9n > $(PACKAGES)/journalpump-$$(packaging/version tag)-linux-$(ARCH).tar.gz

container: package-documents ## build a container image, from scratch, as a tar archive for docker load, podman load, skopeo
	$(call stage,container,static)
	@rm -f $(PACKAGES)/*.tar
	$(GO) run ./packaging/image -root $(PACKAGES)/stage/container/tree -created $(SOURCE_DATE_EPOCH) -arch $(ARCH) \
	  -version "$$(packaging/version tag)" -revision "$$(git rev-parse HEAD)" -output $(PACKAGES)/journalpump-image-$$(packaging/version tag)-linux-$(ARCH).tar

package-binaries: need-package
	@mkdir -p $(PACKAGES)
	CGO_ENABLED=1 GOARCH=$(ARCH) $(GO) build $(RELEASE_FLAGS) -o $(PACKAGES)/cgo/journalpump ./cmd/journalpump
	CGO_ENABLED=0 GOARCH=$(ARCH) $(GO) build $(RELEASE_FLAGS) -o $(PACKAGES)/static/journalpump ./cmd/journalpump

# Manual pages and completions, where there are commands that make them.
PAGES := $(shell sed -n 's/^\(man\|completions\):.*/\1/p' Makefile)

package-documents: package-binaries $(PAGES)
	@rm -rf $(PACKAGES)/documents && mkdir -p $(PACKAGES)/documents
	@for pages in $(PAGES); do cp -r build/$$pages $(PACKAGES)/documents/; done
	@$(GO) run ./packaging/notices $(PACKAGES)/cgo/journalpump $(PACKAGES)/static/journalpump > $(PACKAGES)/documents/third-party-notices

# $(call install-tool,MODULE,VERSION): with the versions of its dependencies that its authors test it with.
install-tool = GOBIN=$(CURDIR)/bin/tools $(GO) install $(1)@v$(strip $(2)) && touch $@

$(NFPM): packaging/packaging.mk
	$(call install-tool,github.com/goreleaser/nfpm/v2/cmd/nfpm,$(NFPM_VERSION))

$(CYCLONEDX): packaging/packaging.mk
	$(call install-tool,github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod,$(CYCLONEDX_VERSION))

$(GOVULNCHECK): packaging/packaging.mk
	$(call install-tool,golang.org/x/vuln/cmd/govulncheck,$(GOVULNCHECK_VERSION))

need-package:
	@.ci/need --optional $(PACKAGE_PACKAGES)

need-package-test:
	@.ci/need $(PACKAGE_TEST_PACKAGES)

package-test: need-package-test packages sbom ## install, upgrade, run and remove the packages in a Debian of their own (needs root)
	$(GO) vet -tags packages ./test/packages
	@{ $(GO) test -json -tags packages -count=1 -timeout 40m $(TESTFLAGS) ./test/packages || true; } | $(SUMMARY)

reproducible: need-package $(NFPM) ## build all packages twice, the second time with an empty build cache elsewhere, and compare
	@packaging/reproducible

licences: package-binaries ## list the licences of what is linked; fails on one that may not be
	@$(GO) run ./packaging/notices -list $(PACKAGES)/cgo/journalpump $(PACKAGES)/static/journalpump

sbom: package-binaries $(CYCLONEDX) ## list what is in the binary, and its checksums, in the format of CycloneDX
	@$(CYCLONEDX) bin -json -licenses -std -noserial -notimestamp -output-version 1.6 -version "$$(packaging/version tag)" \
	  -output $(PACKAGES)/journalpump.cdx.json $(PACKAGES)/cgo/journalpump 2> $(PACKAGES)/sbom.log || { cat $(PACKAGES)/sbom.log >&2; exit 1; }

# It fails where the database of vulnerabilities can't be reached: VULNDB=URL names a copy of it.
vulnerabilities: $(GOVULNCHECK) ## look for known vulnerabilities that the code can reach
	@$(GOVULNCHECK) $(if $(VULNDB),-db $(VULNDB)) -tags $(TAGS) ./cmd/journalpump || \
	  { echo "vulnerabilities: some were found, or nothing was checked: see above" >&2; exit 1; }

release-check: package-test reproducible licences vulnerabilities ## everything that must hold before a release
