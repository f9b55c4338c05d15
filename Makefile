# `make demo` and `make test` are all that a newcomer needs; `make help` lists the rest.

SHELL := /bin/sh
CARGO ?= cargo

.PHONY: help demo test lint bench real prerequisites clean

help: ## What can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /	/' | sort

demo: ## Mirror a simulated fleet, print three answers, go on serving (needs Rust alone)
	$(CARGO) run --release --bin planisphere -- demo $(DEMO_ARGS)

test: prerequisites lint real ## Install what the tests need and pass them all, the real control plane included
	PLANISPHERE_REAL_BIN="$$(tests/real/build.sh | tail -n 1)" PLANISPHERE_REAL_PYTHON="$$(tests/real/python.sh)" PLANISPHERE_REAL_DEBIAN="$$(tests/real/debian.sh)" PATH="$$(tests/real/debian.sh):$$PATH" $(CARGO) test --workspace

lint: ## Formatting and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

real: ## Get the real components that tests start: Kubernetes control plane, kwok, kubectl, client-go, Prometheus, nftables, libfaketime
	tests/real/build.sh >/dev/null
	tests/real/debian.sh >/dev/null
	tests/real/python.sh >/dev/null

bench: ## Run the benchmarks; docs/benchmarks.md says what they measure
	$(CARGO) bench -p planisphere-sync --bench extract
	$(CARGO) bench --bench store
	PLANISPHERE_REAL_BIN="$$(tests/real/build.sh | tail -n 1)" $(CARGO) bench --bench sync -- --real

prerequisites: # Named one by one, with how to get each
	@tests/real/prerequisites.sh

clean: ## Remove what was built
	$(CARGO) clean
