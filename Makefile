# Every recipe uses relative paths and `python -m`, so that a checkout may live in a path with spaces.
PYTHON ?= python3
PY := .venv/bin/python
ARGS ?=
MINUTES ?= 30

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-bi test-browser soak-browser browser faults mutations soak bench lint types imports licences check schemas dashboards superset test-superset clean

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: .venv/.ready ## Make .venv with pinned dependencies and fetch the Kafka jars

.venv/.ready: pyproject.toml constraints.txt streams/embedded/pom.xml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or newer is needed: make PYTHON=/path/to/python3"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@$(PY) -m streams.embedded.kafka install
	@touch $@

demo: setup ## Run everything with live traffic and a terminal view (ARGS=--once: drain, print a summary, end)
	@$(PY) -m streams.cli demo $(ARGS)

# Tests wait for servers more than they compute, so two files at a time.
test: setup ## Run all tests
	@$(PY) -m pytest --numprocesses 2 --dist loadfile $(ARGS)

test-fast: setup ## Run the tests that need no servers
	@$(PY) -m pytest -m 'not slow' $(ARGS)

# Debian's Chromium where there is none and apt may install it; else the tests say that they skip.
browser: setup
	@command -v chromium >/dev/null || { command -v apt-get >/dev/null && test "$$(id -u)" = 0 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; } || echo "no chromium: install it, or set CHROMIUM=/path/to/it" >&2

test-browser: browser ## Drive the live page with a real browser (ARGS: -k links)
	@$(PY) -m pytest tests/browser --capture=no $(ARGS)

soak-browser: browser ## The live page with 10,000 live customers: memory and CPU of the tab (MINUTES=30)
	@$(PY) -m tests.browser.soak --minutes $(MINUTES) $(ARGS)

test-bi: setup ## Read every view through every client of BI tools, and print what came out as a table
	@$(PY) -m pytest tests/bi $(ARGS)

faults: setup ## Run every fault scenario with many seeds and print the table (ARGS: --only, --repetitions, --minutes)
	@$(PY) -m tests.faults $(ARGS)

mutations: setup ## Switch off one safeguard after the other and see that the fault suite notices (ARGS: --only, --rigs)
	@$(PY) -m tests.faults.mutation_check $(ARGS)

soak: setup ## Half an hour of load and random faults (MINUTES=30)
	@$(PY) -m tests.faults.soak --minutes $(MINUTES) $(ARGS)

bench: setup .venv-bench/.ready ## Compare speed with peers (BENCH_EVENTS, BENCH_REPETITIONS; ARGS="--only worker")
	@$(PY) -m tests.bench compare $(ARGS)

.venv-bench/.ready: tests/bench/constraints.txt
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

lint: setup ## Check style and formatting
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: setup ## Check types
	@$(PY) -m mypy

imports: setup ## Check that imports go one way and the core stays pure
	@$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

licences: setup ## List the licences of what the product needs, and fail on one that is not allowed
	@$(PY) -m tests.licences

dashboards: setup ## Write Grafana's dashboards from the code
	@$(PY) -m deploy.grafana

superset: setup ## Write Superset's import files from the code, and the zip (ARGS="--uri clickhousedb://…")
	@$(PY) -m deploy.superset $(ARGS)

test-superset: setup .venv-superset/.ready ## Have Superset import its files and answer every chart
	@$(PY) -m pytest tests/superset $(ARGS)

.venv-superset/.ready: tests/superset/constraints.txt
	@test -x .venv-superset/bin/python || $(PYTHON) -m venv .venv-superset
	@.venv-superset/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

schemas: setup ## Write JSON Schema and AsyncAPI from the models
	@$(PY) -m schemas.export

check: lint types imports licences test ## All of the above that checks

clean: ## Remove the environment and the demo's data
	@rm -rf .venv .venv-bench .venv-superset .data build *.egg-info
