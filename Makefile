# Everything osee needs sets itself up; a second call does not set up again.
.DEFAULT_GOAL := help
.PHONY: help setup leaderboard nb201 test lint bench template fuzz slurm-test report-shots
OUT ?= runs/digits

help:
	@echo "make leaderboard   every estimator on the embedded benchmark: leaderboard and report, a minute"
	@echo "make nb201         the same on NAS-Bench-201 itself, with CIFAR-10 and its table"
	@echo "make test          run all tests"
	@echo "make lint          check formatting and lints"
	@echo "make bench         show where time goes, pass by pass, and what a million units cost"
	@echo "make template      build, test and run a new plugin outside the repository"
	@echo "make slurm-test    run a study through Slurm, installed in a sandbox (root on Debian)"
	@echo "make fuzz          ten million damaged files and messages for every reader"
	@echo "make report-shots  photograph a report's page: REPORT=runs/nb201/report.html, else a made-up one"
	@echo "make setup         only fetch what is needed: libtorch, CIFAR-10"

setup:
	@.ci/libtorch
	@.ci/cifar10

leaderboard:
	@.ci/libtorch
	@echo "building osee-host and its plugins (release; minutes the first time)"
	@cargo build --release --workspace
	@echo "scoring; stop and call again at any time, nothing is computed twice"
	@target/release/osee-host run --study host/studies/digits.toml --out $(OUT) || [ $$? -eq 8 ]
	@target/release/osee-host report $(OUT)

nb201: setup
	@echo "building osee-host and its plugins (release; minutes the first time)"
	@cargo build --release --workspace
	@echo "scoring; stop and call again at any time, nothing is computed twice"
	@truth="$${OSEE_TEST_DATA:+$$OSEE_TEST_DATA/nb201/nb201_gt.csv.gz}"; \
	target/release/osee-host run --study host/studies/nb201.toml --out runs/nb201 \
		$${truth:+--truth "$$truth"} || [ $$? -eq 8 ]
	@target/release/osee-host report runs/nb201

test: setup
	@echo "running all tests"
	@cargo test --workspace

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

report-shots: setup
	@.ci/report-shots "$(REPORT)"

bench: setup
	@echo "building osee-host and its plugins (release; minutes the first time)"
	@cargo build --release --workspace
	@target/release/osee-host bench --networks 24
