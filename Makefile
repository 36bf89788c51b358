# make            lists the targets
# make test       runs everything that a change has to pass, except make lint

.DEFAULT_GOAL := help
.PHONY: help test vet lint fuzz soak bench bench-codecs bench-own cover run

FUZZTIME ?= 10s
BENCH    ?= .

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## vet and test all modules with -race, together and one by one (scripts/test)
	./scripts/test

vet: ## go vet every module
	go vet work

lint: ## run golangci-lint on every module, and Vale on the prose (scripts/lint)
	./scripts/lint

fuzz: ## run every fuzz target for FUZZTIME, 10s by default (scripts/fuzz)
	./scripts/fuzz $(FUZZTIME)

soak: ## kill and damage all stores for about an hour, and print figures (scripts/soak)
	./scripts/soak

COMPARE = go -C bench run ./cmd/compare -o results.txt -docs ../docs

bench: ## compare sesame with other libraries: tables and plots in docs, half an hour
	GOWORK=off ./scripts/services run redis postgres -- $(COMPARE)

CODECS = go test -run '^$$' -bench Codecs -benchtime 200ms -count 6 .

bench-codecs: ## compare the codecs: a table, and plots in docs/img
	cd bench && GOWORK=off $(CODECS) >codecs.txt
	cd bench && GOWORK=off go run ./cmd/codecplot -out ../docs/img -command "$(CODECS)" <codecs.txt

bench-own: ## run the core module's benchmarks that match BENCH, all by default (for your struct: docs/PERFORMANCE.md)
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

cover: ## test with coverage and write coverage.html
	go test -coverpkg ./... -coverprofile coverage.out ./...
	go tool cover -html coverage.out -o coverage.html
	go tool cover -func coverage.out | tail -n 1

run: ## serve the README's counter on localhost:9090; ARGS=-bind binds its sessions to devices
	go run ./examples/counter $(ARGS)
