# make            lists the targets
# make test       is all that a change has to pass, but for make lint

.DEFAULT_GOAL := help
.PHONY: help test vet lint fuzz bench cover run

FUZZTIME ?= 10s
BENCH    ?= .

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## vet and test every module, with -race and by itself (scripts/test)
	./scripts/test

vet: ## go vet every module
	go vet work

lint: ## run golangci-lint on every module (scripts/lint)
	./scripts/lint

fuzz: ## run every fuzz target for FUZZTIME, 10s by default (scripts/fuzz)
	./scripts/fuzz $(FUZZTIME)

bench: ## run the benchmarks that match BENCH, all by default
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

cover: ## test with coverage and write coverage.html
	go test -coverpkg ./... -coverprofile coverage.out ./...
	go tool cover -html coverage.out -o coverage.html
	go tool cover -func coverage.out | tail -n 1

run: ## serve the README's counter on localhost:9090
	go run ./examples/counter
