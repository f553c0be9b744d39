# Everything runs inside a virtual environment that `make venv` builds from the exact versions in requirements/.
#   make PYTHON=python3.12 venv     another interpreter
#   make VENV=/tmp/venv312 test     another place
SHELL := bash
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PIP := $(PY) -m pip --disable-pip-version-check --no-input
# Long downloads and the unpacking that follows them are shown; the rest of pip's talk is not.
PROGRESS := { grep -Eo --line-buffered '(Downloading|Using cached) [^ ]+ \([0-9.]+ MB\)|^Installing collected packages' || true; }

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-all lint docs bench pins clean

help: ## list the commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
	  printf '  make %-8s %s\n' "$$name" "$$text"; done

venv: $(STAMP) ## set up .venv with the pinned packages and spindle itself (about two minutes, once)
	@echo "spindle is installed in $(VENV)"

# The pins follow the interpreter inside the environment: JAX 0.10 on Python 3.11, 0.11 on 3.12, 0.12 from 3.13 on.
$(STAMP): pyproject.toml $(wildcard requirements/python3.*.txt)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "spindle needs Python 3.11 or later, but PYTHON=$(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another interpreter, for example: make venv PYTHON=python3.12" >&2; exit 2; }
	@$(PY) -m pip --version >/dev/null 2>&1 || { \
	  echo "Creating $(VENV) with $$($(PYTHON) --version)"; $(PYTHON) -m venv --clear $(VENV); }
	@set -o pipefail; \
	pins=requirements/python3.$$($(PY) -c 'import sys; print(min(sys.version_info.minor, 13))').txt; \
	echo "Installing $$(grep -c == $$pins) packages from $$pins"; \
	$(PIP) install --progress-bar off -r $$pins | $(PROGRESS)
	@echo "Installing spindle"
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## solve the Helmholtz problem and write a report with pictures to runs/demo
	$(VENV)/bin/spindle solve helmholtz3d --out "$(CURDIR)/runs/demo"

test: $(STAMP) ## run the tests, without those that take long
	$(PY) -m pytest -q -n 2 --dist worksteal -m "not slow"

test-all: $(STAMP) ## run all tests
	$(PY) -m pytest -q -n 2 --dist worksteal

lint: $(STAMP) ## check style, formatting and types
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy

docs: $(STAMP) ## build the documentation into build/docs; a warning ends it
	@$(PY) -c 'import latex2mathml, mkdocstrings, zensical' 2>/dev/null || $(PIP) install --quiet --no-build-isolation --editable '.[docs]'
	PYTHONPATH=docs/scripts $(VENV)/bin/zensical build --strict --clean

bench: $(STAMP) ## measure the SPINN recipes against their baselines
	$(VENV)/bin/spindle bench spinn
	$(PY) benchmarks/step_time.py

pins: ## renew the versions in requirements/ for PYTHON (make pins PYTHON=python3.12)
	@PYTHON="$(PYTHON)" bash requirements/renew

clean: ## remove .venv, caches and build output (keeps runs/)
	rm -rf $(VENV) build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
