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
# Where Go's own archive puts it, which sudo's PATH lacks.
export PATH := $(PATH):/usr/local/go/bin

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

.PHONY: build
build: helpers ## build bin/nixfleet, bin/nixfleet-execute, bin/nixfleet-host and their man pages, bin/man
	@mkdir -p bin
	$(GOBUILD) -ldflags '$(LDFLAGS)' -o bin/ ./cmd/nixfleet ./cmd/nixfleet-execute
	@gzip -dc $(HELPERS)/nixfleet-host-x86_64-linux.gz >bin/nixfleet-host.new
	@chmod 0755 bin/nixfleet-host.new
	@mv bin/nixfleet-host.new bin/nixfleet-host
	@rm -rf bin/man && bin/nixfleet man bin/man/man1

# The helper carries no version of its own: its bytes, and so its hash in plans,
# change only when its code does.
.PHONY: helpers
helpers:
	@command -v go >/dev/null || { echo "error: there is no go in PATH ($$PATH)" >&2; echo "hint: https://go.dev/dl; behind sudo: sudo env PATH=\$$PATH make …" >&2; exit 1; }
	@for pair in x86_64-linux:amd64 aarch64-linux:arm64; do \
	  system=$${pair%%:*}; arch=$${pair##*:}; out=$(HELPERS)/nixfleet-host-$$system; \
	  GOOS=linux GOARCH=$$arch $(GOBUILD) -ldflags '-s -w' -o $$out.new ./cmd/nixfleet-host; \
	  sum=$$(sha256sum <$$out.new | cut -d' ' -f1); \
	  if [ "$$(cat $$out.sha256 2>/dev/null)" != "$$sum" ] || [ ! -e $$out.gz ]; then \
	    gzip -9nc $$out.new >$$out.gz.new; mv $$out.gz.new $$out.gz; echo $$sum >$$out.sha256; \
	  fi; \
	  rm -f $$out.new; \
	done

.PHONY: root
root:
	@[ "$$(id -u)" = 0 ] || { echo "error: throwaway hosts are containers with networks and mounts of their own, for which one must be root" >&2; echo "hint: sudo make $(MAKECMDGOALS)" >&2; exit 1; }

.PHONY: deps
deps: ## install, from apt, what compiling, testing and the throwaway hosts need
	@./vm-tests/install-packages vm-tests/lab/apt-packages vm-tests/apt-packages

.PHONY: test
test: root deps build lint ## run every test, those on throwaway hosts included
	NIXFLEET_LAB=required go test -count=1 -timeout 30m ./...

.PHONY: lint
lint: ## go vet, staticcheck, gofmt, and a parse of every .nix
	@unformatted=$$(git ls-files '*.go' | xargs gofmt -l); if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go tool staticcheck ./...
	@git ls-files -z '*.nix' | xargs -0 -n 64 nix-instantiate --store dummy:// --parse >/dev/null

.PHONY: goldens
goldens: build ## write every golden and every generated page anew
	go test ./schema ./goldens ./compiler/internal/diagnostic -update
	go test ./nix -run TestOptionsPage -update
	go test . ./cmd/internal/show ./cmd/internal/diff -update

.PHONY: test-nixpkgs
test-nixpkgs: ## run the language's cases under a nixpkgs' own lib: make test-nixpkgs NIXPKGS_LIB=/path/to/nixpkgs/lib
	@test -n "$(NIXPKGS_LIB)" || { echo "error: NIXPKGS_LIB is not set; it is the directory lib of a nixpkgs" >&2; exit 2; }
	NIXPKGS_LIB=$(abspath $(NIXPKGS_LIB)) go test -count=1 -v -run 'TestCases|TestRandomModules|TestFleetsUnderNixpkgs' ./nix/

.PHONY: demo
demo: root deps build bin/lab bin/demo ## three throwaway hosts: compile, show, execute, execute again, change one file (KEEP=1 leaves them up)
	@bin/demo $(if $(KEEP),--keep)

.PHONY: bench
bench: root deps build ## tables of speed, size and scale, with peers in the same run (NIXPKGS_LIB=/path/to/nixpkgs/lib: our evaluator beside nixpkgs')
	@./vm-tests/install-packages vm-tests/bench/apt-packages
	@go run ./vm-tests/bench

.PHONY: lab-up
lab-up: root deps build bin/lab ## boot three throwaway hosts and say how to reach them
	@bin/lab up --hosts web-1,web-2,db-1 --helper bin/nixfleet-host

.PHONY: lab-down
lab-down: root bin/lab ## end the hosts of lab-up and of demo KEEP=1
	@bin/lab down --all

# Built, not `go run`: that would be one more process to interrupt, and tell of an exit status on a line of its own.
.PHONY: bin/lab bin/demo
bin/lab:
	@go build -buildvcs=false -o $@ ./vm-tests/lab/cmd/lab
bin/demo:
	@go build -buildvcs=false -o $@ ./vm-tests/demo

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
	find $(HELPERS) -type f ! -name .gitignore -delete
