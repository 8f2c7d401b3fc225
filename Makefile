.PHONY: all test race lint fuzz bench quickstart e2e e2e-java e2e-rnacos ci

all: lint test

test:
	go test work

race:
	go test -race work

lint fuzz:
	.ci/run $@

bench:
	go -C bench test -bench . ./...

quickstart:
	go run ./examples/quickstart

# Three nodes of each real server; e2e/cluster says what they need.
e2e: e2e-rnacos e2e-java

e2e-java e2e-rnacos: e2e-%:
	e2e/run $*

ci:
	.ci/run
