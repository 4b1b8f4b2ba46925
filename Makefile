# The commands of the README. `make help` lists them.
SHELL := bash
CARGO ?= cargo

.PHONY: help run build test check tools fuzz chaos acceptance bench bench-heartbeats bench-e2e dist

help: ## this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | column -t -s $$'\t'

run: ## build, start a cluster on this machine, run a real stream, say where to look
	$(CARGO) build --release
	deploy/run.sh target/release/airtruct

build: ## a debug build
	$(CARGO) build

test: tools check ## everything that CI checks
	AIRTRUCT_SIM_SCHEDULES=10000 $(CARGO) test --no-fail-fast

check: ## format and lints
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings

tools: ## what the tests need besides Rust: a PostgreSQL server, PgBouncer, Python for the conformance cases, iproute2 for hosts
	@deploy/tools.sh

fuzz: ## mappings and documents by chance against parser and evaluator, FUZZ_SECONDS each, optimised and with every check
	AIRTRUCT_FUZZ_SECONDS=$(or $(FUZZ_SECONDS),1800) CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true \
		$(CARGO) test --release --target-dir target/fuzz --test integration -- --nocapture bloblang::fuzz

chaos: tools ## real processes on hosts of their own, killed, stopped, drained and cut off by chance for CHAOS_SECONDS (600); needs root
	$(CARGO) build --release
	CHAOS_SECONDS=$(or $(CHAOS_SECONDS),600) CHAOS_BINARY=$(or $(CHAOS_BINARY),target/release/airtruct) \
		$(CARGO) test --test integration -- --nocapture chaos::

acceptance: ## what was measured of the ancestor, measured of this program: a table of figures and goals; ACCEPTANCE_LONG=1 for all of it
	$(CARGO) build --release
	AIRTRUCT_BIN=$(or $(AIRTRUCT_BIN),target/release/airtruct) \
		$(CARGO) test --test integration -- --ignored --exact --nocapture acceptance::the_acceptance_list

bench: ## micro benchmarks: medians with their spread
	$(CARGO) bench --bench values --bench mappings --bench plan

bench-heartbeats: ## what 1,000 workers at rest cost a coordinator: its share of a core, and its writes
	$(CARGO) bench --bench heartbeats

dist: ## the binary that is shipped and measured
	$(CARGO) build --profile dist

bench-e2e: dist ## whole streams; with PEER_BIN set, alternately against that program
	benches/e2e.sh target/dist/airtruct
