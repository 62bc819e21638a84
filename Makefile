# NixFleet. `make help` lists the targets.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/nixfleet/nixfleet/cmd/internal/version.Version=$(VERSION)
GOBUILD := go build -trimpath -buildvcs=false
HELPERS := cmd/internal/helper/bin
KEEP    ?=
export CGO_ENABLED := 0

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

.PHONY: build
build: helpers ## build bin/nixfleet, bin/nixfleet-execute and bin/nixfleet-host
	@mkdir -p bin
	$(GOBUILD) -ldflags '$(LDFLAGS)' -o bin/ ./cmd/nixfleet ./cmd/nixfleet-execute
	@gzip -dc $(HELPERS)/nixfleet-host-x86_64-linux.gz >bin/nixfleet-host.new
	@chmod 0755 bin/nixfleet-host.new
	@mv bin/nixfleet-host.new bin/nixfleet-host

# The helper carries no version of its own: its bytes, and so its hash in plans,
# change only when its code does.
.PHONY: helpers
helpers:
	@for pair in x86_64-linux:amd64 aarch64-linux:arm64; do \
	  system=$${pair%%:*}; arch=$${pair##*:}; out=$(HELPERS)/nixfleet-host-$$system; \
	  GOOS=linux GOARCH=$$arch $(GOBUILD) -ldflags '-s -w' -o $$out.new ./cmd/nixfleet-host; \
	  sum=$$(sha256sum <$$out.new | cut -d' ' -f1); \
	  if [ "$$(cat $$out.sha256 2>/dev/null)" != "$$sum" ] || [ ! -e $$out.gz ]; then \
	    gzip -9nc $$out.new >$$out.gz.new; mv $$out.gz.new $$out.gz; echo $$sum >$$out.sha256; \
	  fi; \
	  rm -f $$out.new; \
	done
