# Everything there is to do with this repository. `make` alone lists it.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-print-directory
.DEFAULT_GOAL := help

GO       ?= go
# The version in the binary is what Go reads from git; where git refuses (another owner, no repository) it stays "devel".
BUILDVCS := $(shell git status >/dev/null 2>&1 && echo auto || echo false)
# gRPC's tracing pages are of no use here. (The linker keeps all methods of everything since expr, the language of conditions, finds
# methods by their names: 31 MB in place of 23.)
TAGS     := grpcnotrace
FUZZTIME ?= 20s
TORTURE_RUNS ?= 1000
POWER_RUNS   ?= 100
ISOLATION ?= 10m
SYSTEMD_SUITES ?= bookworm-backports trixie
ISOLATION_RATE ?= 20000
BENCH    ?= .

# The packages of Debian that each task needs; what is missing is installed, see .ci/need.
BUILD_PACKAGES := gcc libc6-dev libsystemd-dev
RUN_PACKAGES   := $(BUILD_PACKAGES) systemd systemd-journal-remote
TEST_PACKAGES  := $(RUN_PACKAGES) zstd python3 rsyslog rsyslog-relp rsyslog-gnutls chromium prometheus
KAFKA_PACKAGES := maven openjdk-17-jdk-headless kcat
INTEGRATION_PACKAGES := $(TEST_PACKAGES) $(KAFKA_PACKAGES) microsocks
BENCH_PACKAGES := $(RUN_PACKAGES) rsyslog

GOLANGCI_VERSION := 2.15.0
GOLANGCI_LINT    := bin/tools/golangci-lint

# Whole-program tests run the binary they have built themselves, which Go's test cache knows nothing of.
UNIT_PACKAGES = $$($(GO) list ./... | grep -v '/test/')
SUMMARY       = $(GO) run ./test/testsummary -allowed-skips test/testsummary/allowed-skips $(if $(CI),-strict)

.PHONY: help build build-static docs kafka man completions run test test-unit test-whole test-32bit test-systemd integration check-static oracle e2e-long torture isolation follow \
        lint lint-format lint-sleep lint-vet lint-go lint-modules lint-shell bench pgo bench-peers fuzz clean \
        need-build need-run need-test need-integration need-kafka need-bench

help: ## list these targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 16

build: need-build ## build bin/journalpump (cgo: both journal backends)
	CGO_ENABLED=1 $(GO) build -tags $(TAGS) -trimpath -buildvcs=$(BUILDVCS) -o bin/journalpump ./cmd/journalpump

build-static: ## build bin/journalpump-static (no cgo: native backend only, runs in an empty container)
	CGO_ENABLED=0 $(GO) build -tags $(TAGS) -trimpath -buildvcs=$(BUILDVCS) -ldflags "-s -w" -o bin/journalpump-static ./cmd/journalpump

docs: ## write the tables of settings in docs/ anew, from the types and their comments
	$(GO) test -count=1 -run '^TestReference$$' ./docs -update

man: ## make the man pages, in build/man
	rm -rf build/man
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 0)} CGO_ENABLED=0 $(GO) run -tags $(TAGS),man ./cmd/journalpump man build/man

completions: ## make the completions for bash, zsh and fish, in build/completions
	rm -rf build/completions
	CGO_ENABLED=0 $(GO) run -tags $(TAGS),man ./cmd/journalpump completions build/completions

run: need-run build ## pump this machine's journal to the terminal
	@packaging/run-here bin/journalpump

test: need-test ## run all tests: set up, vet, unit tests with the race detector, whole program
	$(GO) vet ./...
	@echo "== unit tests with the race detector, those that count allocations without it, whole-program tests"
	@{ $(GO) test -json -race -timeout 20m $(TESTFLAGS) $(UNIT_PACKAGES) || true; \
	   $(GO) test -json -run 'Alloc' $(UNIT_PACKAGES) || true; \
	   $(GO) test -json -count=1 -timeout 30m $(TESTFLAGS) ./test/... || true; } | $(SUMMARY)

test-unit: ## run the unit tests alone, without the race detector
	@{ $(GO) test -json $(TESTFLAGS) $(UNIT_PACKAGES) || true; } | $(SUMMARY)

test-whole: need-test ## run the whole-program tests alone
	@{ $(GO) test -json -count=1 -timeout 30m $(TESTFLAGS) ./test/... || true; } | $(SUMMARY)

test-32bit: need-test ## run the unit tests as a program of 32 bits, without cgo (on amd64)
	@if ! GOARCH=386 CGO_ENABLED=0 $(GO) test -run '^$$' ./internal/glob >/dev/null 2>&1; then \
	  echo "skipped: no program of GOARCH=386 can be run here"; \
	else \
	  { GOARCH=386 CGO_ENABLED=0 $(GO) test -json -timeout 10m $(TESTFLAGS) $(UNIT_PACKAGES) || true; } | $(GO) run ./test/testsummary; \
	fi

# What is left out holds where journalctl 252 is the judge: the order of boots with wrong clocks, and of several machines, see docs/adr/0003.
test-systemd: need-test ## follow, read and torture with the journald, journal-remote and journalctl of newer systemds, where they can be had
	@for suite in $(SYSTEMD_SUITES); do \
	  if ! test/systemd/fetch $$suite build/systemd/$$suite; then echo "skipped: systemd of $$suite cannot be had here"; continue; fi; \
	  if ! version=$$(test/systemd/with build/systemd/$$suite journalctl --version); then echo "skipped: systemd of $$suite cannot be run here"; continue; fi; \
	  echo "== $${version%%$$'\n'*}"; \
	  { test/systemd/with build/systemd/$$suite $(GO) test -json -count=1 -timeout 30m $(TESTFLAGS) \
	      -skip '^TestLikeJournalctl$$/other_boots|^TestForeign$$|^TestCorpus$$/^(no_clock|journal-remote,_hosts)' \
	      ./readers/journal ./readers/journal/guard ./readers/journal/libsystemd ./test/oracle ./test/promise || true; } | $(SUMMARY); \
	done

integration: need-integration ## test against real servers, which are fetched and built first (some minutes)
	$(GO) vet -tags integration ./test/integration
	@{ $(GO) test -json -tags integration -count=1 -timeout 60m $(TESTFLAGS) ./test/integration || true; } | $(SUMMARY)

kafka: need-kafka ## run an Apache Kafka at 127.0.0.1:9092 to try things with
	@test/integration/kafka-here

check-static: ## prove that the static binary needs nothing: no loader, no library, an empty root directory
	$(GO) test -count=1 -v -run '^TestStatic' ./test/e2e

oracle: need-test ## hold the native reader against journalctl and libsystemd on 10 million entries (ORACLE_ENTRIES=)
	@ORACLE_ENTRIES=$${ORACLE_ENTRIES:-10000000} ORACLE_FILES=1000 ORACLE_SET_ENTRIES=200000 ORACLE_ROUNDS=4 ORACLE_SEEKS=12 \
	  $(GO) test -count=1 -timeout 3h -v ./test/oracle

e2e-long: need-test ## ten minutes against a live journald, and 50 stops, reloads and kills
	E2E_DURATION=10m CRASH_ROUNDS=50 $(GO) test -count=1 -timeout 60m -v -run '^Test(Live|Crash)' ./test/e2e

torture: need-test ## break what can be broken in a thousand ways and look whether anything is lost (TORTURE_RUNS, POWER_RUNS, TORTURE_SEED)
	TORTURE_RUNS=$(TORTURE_RUNS) POWER_RUNS=$(POWER_RUNS) TORTURE_SEED=$${TORTURE_SEED:-$$(date +%s)} \
	  $(GO) test -count=1 -timeout 3h -parallel 4 -run '^Test(Promise|PowerCut)' -v ./test/promise

isolation: need-test ## one destination swallows everything for ten minutes at 20,000 entries/s: what do the others notice? (ISOLATION, ISOLATION_RATE)
	ISOLATION=$(ISOLATION) ISOLATION_RATE=$(ISOLATION_RATE) $(GO) test -count=1 -timeout 3h -run '^TestIsolation' -v ./test/promise

follow: need-test ## half an hour of journals whose files are rotated 1,000 times, and mistreated, while they are followed
	FOLLOW_ROUNDS=$(or $(FOLLOW_ROUNDS),1000) $(GO) test -count=1 -parallel 1 -timeout 90m -v -run '^TestFollow' ./readers/journal

lint: lint-format lint-sleep lint-modules lint-vet lint-go lint-shell ## run all linters (make -k lint: don't stop at the first)

lint-format:
	@unformatted=$$(git ls-files '*.go' | xargs -r gofmt -l); \
	[ -z "$$unformatted" ] || { printf 'not gofmt-ed:\n%s\n' "$$unformatted"; exit 1; }

# Sleeping is only right on testing/synctest's clock, which no linter can tell.
lint-sleep:
	@sleeping=$$(git grep -l 'time\.Sleep(' -- '*_test.go' | xargs -r grep -L '"testing/synctest"' || true); \
	[ -z "$$sleeping" ] || { printf 'tests that sleep instead of waiting for what they wait for:\n%s\n' "$$sleeping"; exit 1; }

lint-modules:
	$(GO) mod tidy -diff
	$(GO) mod verify

lint-vet: need-build
	$(GO) vet ./...
	CGO_ENABLED=0 $(GO) vet ./...
	GOARCH=386 CGO_ENABLED=0 $(GO) vet $(UNIT_PACKAGES)
	GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/journalpump
	$(GO) vet -tags man ./cmd/journalpump

lint-go: need-build $(GOLANGCI_LINT)
	$(GOLANGCI_LINT) run ./...
	$(GOLANGCI_LINT) run --build-tags integration ./test/integration
	$(GOLANGCI_LINT) run --build-tags packages ./test/packages

lint-shell:
	@.ci/need --optional shellcheck
	@if command -v shellcheck >/dev/null; then \
	  git ls-files | xargs grep -lE '^#!.*\b(ba)?sh\b' --exclude='*.md' | xargs -r shellcheck; \
	fi

# The version is part of the recipe: another one installed in GOPATH, or an old one here, is not used.
$(GOLANGCI_LINT): Makefile
	@mkdir -p $(@D)
	@own=$$($(GO) env GOPATH)/bin/golangci-lint; \
	if [ "$$("$$own" version --short 2>/dev/null)" = $(GOLANGCI_VERSION) ]; then \
	  ln -sf "$$own" $@; \
	else \
	  echo "building golangci-lint $(GOLANGCI_VERSION), which takes some minutes"; \
	  rm -f $@; \
	  GOBIN=$(CURDIR)/$(@D) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(GOLANGCI_VERSION); \
	fi
	@touch -h $@

bench: need-build ## run the benchmarks (BENCH=regexp)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

pgo: need-build ## measure anew where the time goes, for the compiler (cmd/journalpump/default.pgo)
	$(GO) test -run '^$$' -bench '^BenchmarkJSON/files=(5|50)$$|^BenchmarkJSONFew$$' -benchtime 5s -o build/pgo.test -cpuprofile cmd/journalpump/default.pgo ./test/bench

bench-peers: need-bench build ## measure against journalctl, rsyslog and cat (PEERS_FLAGS=-write\ docs/performance.md)
	$(GO) run ./test/peers -binary bin/journalpump $(PEERS_FLAGS)

fuzz: need-build ## run every fuzz target for a while (FUZZTIME=20s)
	@for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
	    echo "== $$package $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package; \
	  done; \
	done

include packaging/packaging.mk

clean: ## remove what was built (but not bin/tools)
	rm -rf build bin/journalpump bin/journalpump-static

need-build:
	@.ci/need --optional $(BUILD_PACKAGES)

need-run:
	@.ci/need --optional $(RUN_PACKAGES)

need-test:
	@.ci/need --optional $(TEST_PACKAGES)

need-integration:
	@.ci/need --optional $(INTEGRATION_PACKAGES)

need-kafka:
	@.ci/need --optional $(KAFKA_PACKAGES)

need-bench:
	@.ci/need --optional $(BENCH_PACKAGES)
