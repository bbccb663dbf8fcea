# Every target first fetches what it needs, once.
.DEFAULT_GOAL := help
.PHONY: help setup leaderboard nb201 test lint bench template fuzz slurm-test report-shots gpu-smoke
OUT ?=
ESTIMATORS ?= classic,fast
OSEE := target/release/osee-host

help:
	@echo "make leaderboard   score every estimator on NAS-Bench-201 networks, leaderboard and report: five minutes"
	@echo "make nb201         the same on CIFAR-10's images, judged as in the paper: fetches 170 MB"
	@echo "make test          run all tests"
	@echo "make lint          check formatting and lints"
	@echo "make bench         time each pass, and a study of a million units"
	@echo "make template      build, test and run a new plugin outside the repository"
	@echo "make slurm-test    run a study through Slurm, installed in a sandbox (root on Debian)"
	@echo "make gpu-smoke     try each step of the GPU's acceptance run on the CPU (docs/gpu.md)"
	@echo "make fuzz          feed damaged files and messages to their readers, ten million to each, and"
	@echo "                   damaged architectures to search spaces, one million to each"
	@echo "make report-shots  take screenshots of a report: REPORT=FILE.html, else a synthetic one"
	@echo "make setup         only fetch what tests need: libtorch and CIFAR-10"

setup:
	@.ci/libtorch
	@.ci/cifar10

leaderboard:
	@.ci/libtorch
	@echo "building osee-host and its plugins (release; minutes the first time)"
	@cargo build --release --workspace
	@$(OSEE) data fetch nb201-analog || true
	@echo "scoring; stop and call again at any time, nothing is computed twice"
	@name=digits; few=; if $(OSEE) data path nb201-analog > /dev/null 2>&1; then \
		name=nb201-analog; few="--estimators $(ESTIMATORS)"; fi; \
	out="$(OUT)"; out="$${out:-runs/$$name}"; \
	{ $(OSEE) run $$few --out "$$out" || [ $$? -eq 8 ]; } && $(OSEE) report "$$out"

nb201:
	@.ci/libtorch
	@echo "building osee-host and its plugins (release; minutes the first time)"
	@cargo build --release --workspace
	@$(OSEE) data fetch nb201 cifar10
	@echo "scoring; stop and call again at any time, nothing is computed twice"
	@$(OSEE) run --study studies/nb201.toml --out runs/nb201 || [ $$? -eq 8 ]
	@$(OSEE) report runs/nb201

test: setup
	@echo "running all tests"
	@rm -f target/skipped; OSEE_SKIPPED="$(CURDIR)/target/skipped" cargo test --workspace; code=$$?; \
	if [ -s target/skipped ]; then \
		printf 'SKIPPED %s tests\n' "$$(wc -l < target/skipped)"; sed 's/^/  /' target/skipped; \
	fi; exit $$code

lint:
	@.ci/libtorch
	@echo "checking formatting and lints"
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings

template: setup
	@echo "building osee-host and its plugins (release; minutes the first time)"
	@cargo build --release --workspace
	@.ci/template

fuzz: setup
	@OSEE_FUZZ_CASES=10000000 cargo test --release -p osee-host --lib fuzz
	@OSEE_FUZZ_CASES=1000000 cargo test --release -p space-nb101 -p space-nb201 -p space-nb301 -p space-nds

slurm-test: setup
	@echo "building osee-host and its plugins (release; minutes the first time)"
	@cargo build --release --workspace
	@.ci/slurm

gpu-smoke:
	@.ci/libtorch
	@echo "building osee-host, its plugins and their tests (release and debug; minutes the first time)"
	@.ci/gpu self-test
	@.ci/gpu smoke

report-shots: setup
	@.ci/report-shots "$(REPORT)"

bench: setup
	@echo "building osee-host and its plugins (release; minutes the first time)"
	@cargo build --release --workspace
	@target/release/osee-host bench --networks 24
