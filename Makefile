# All that a fresh machine needs beside make is Python (>= 3.11). Everything is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
CONFIGS ?= $(sort $(wildcard configs/*.toml))
BENCHMARKS ?= $(sort $(wildcard benchmarks/*.py))
RUNS ?= runs
ARGS ?=
# Tests run in two processes of one thread each: on two cores that takes half the time of one process of two threads.
JOBS ?= 2
THREADS ?= 1
export PLURALIGN_DATA ?= $(CURDIR)/../shared/data

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo collect-demo test test-base test-lowest check check-systems docs tutorials api-check format bench results clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/base.stamp ## Run the whole on a planted society (ARGS="--json")
	$(BIN)/pluralign demo $(ARGS)

collect-demo: $(VENV)/collect.stamp ## Serve a study with simulated people (ARGS="--people 30")
	$(BIN)/pluralign collect demo $(ARGS)

test: $(VENV)/dev.stamp ## Run the whole suite (ARGS="-k solver" for a part)
	OMP_NUM_THREADS=$(THREADS) $(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=loadfile --no-loadscope-reorder $(ARGS)

test-base: ## Run the tests that need no extra, in a fresh environment with the base package alone
	rm -rf $(VENV)-base
	$(PYTHON) -m venv $(VENV)-base
	$(VENV)-base/bin/python -m pip install --quiet --constraint constraints.txt --editable . pytest hypothesis
	OMP_NUM_THREADS=$(THREADS) $(VENV)-base/bin/python -m pytest -m "not slow" tests $(ARGS)

test-lowest: ## Run the same with the lowest versions that pyproject.toml allows
	rm -rf $(VENV)-lowest
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/python -m pip install --quiet uv
	$(VENV)-lowest/bin/uv pip compile --quiet --resolution lowest-direct pyproject.toml --output-file $(VENV)-lowest/versions.txt
	$(VENV)-lowest/bin/python -m pip install --quiet --requirement $(VENV)-lowest/versions.txt pytest hypothesis
	$(VENV)-lowest/bin/python -m pip install --quiet --no-deps --editable .
	OMP_NUM_THREADS=$(THREADS) $(VENV)-lowest/bin/python -m pytest -m "not slow" tests $(ARGS)

check: $(VENV)/dev.stamp ## Check format, lint, types, layers and plain English
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports
	$(BIN)/python docs/build/plain_english.py

check-systems: $(VENV)/dev.stamp ## Check types as on Windows and macOS
	$(BIN)/mypy --strict --platform win32 --cache-dir .mypy_cache/win32
	$(BIN)/mypy --strict --platform darwin --cache-dir .mypy_cache/darwin

docs: $(VENV)/docs.stamp ## Build the documentation site into build/site; a broken link fails
	rm -rf build/site
	$(BIN)/python docs/build/site_tree.py
	$(BIN)/zensical build --clean --strict

tutorials: $(VENV)/dev.stamp ## Run the tutorials and write their pages (ARGS="steer_trl" for one)
	OMP_NUM_THREADS=$(THREADS) $(BIN)/python docs/build/tutorial_pages.py $(ARGS)

api-check: $(VENV)/docs.stamp ## List changes of public names that break users since API_REF (default: the last tag)
	$(BIN)/griffe check pluralign --search src --extensions docs/build/public_names.py $(if $(API_REF),--against $(API_REF))

format: $(VENV)/dev.stamp ## Format the code and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/dev.stamp ## Run the benchmarks (some need PLURALIGN_DATA=FOLDER)
	@set -e; for script in $(BENCHMARKS); do echo "== $$script"; $(BIN)/python "$$script" $(ARGS); done

results: $(VENV)/dev.stamp ## Run every config in configs/ and write docs/results.md (needs PLURALIGN_DATA=FOLDER)
	@set -e; for config in $(CONFIGS); do \
	  echo "== $$config"; $(BIN)/pluralign run "$$config" --out "$(RUNS)/$$(basename "$$config" .toml)" $(ARGS); \
	done
	$(BIN)/python docs/build/results_page.py "$(RUNS)" --out docs
	$(BIN)/python benchmarks/blend_regions.py "$(RUNS)/blend" --out "$(RUNS)/blend.jsonl"
	$(BIN)/python docs/build/blend_results.py "$(RUNS)" "$(RUNS)/blend.jsonl" --out docs
	$(BIN)/python docs/build/knowledge_results.py "$(PLURALIGN_DATA)" --out docs
	$(BIN)/python docs/build/survey_results.py "$(PLURALIGN_DATA)" --runs "$(RUNS)" --out docs

clean: ## Remove .venv, caches and build leftovers; runs/ stays
	rm -rf $(VENV) $(VENV)-base $(VENV)-lowest build dist .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Installing runs again only when what is to be installed has changed.
$(VENV)/base.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing pluralign into $(VENV)"
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/collect.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing pluralign with the extra collect into $(VENV)"
	@$(INSTALL) --editable '.[collect]'
	@touch $(VENV)/base.stamp $@

$(VENV)/docs.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the tools of the documentation site into $(VENV)"
	@$(INSTALL) --editable '.[docs]'
	@touch $(VENV)/base.stamp $@

$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing pluralign, its extras and its development tools into $(VENV)"
	@$(INSTALL) --editable '.[dev]'
	@touch $(VENV)/base.stamp $@

$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "$(PYTHON) is not Python 3.11 or newer with the venv module." >&2; \
	  echo "  -> name another, as in: make demo PYTHON=python3.12 (on Debian and Ubuntu: apt install python3-venv)" >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)
