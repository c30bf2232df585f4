# Every target works on a fresh clone of a machine that has only Python 3.11+ (with venv), make and a package registry.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
WORKERS ?= 2

.PHONY: help install demo run test check format features bench prove client lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 12

install: $(READY) ## make .venv with everything in it (the other targets do this by themselves)

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## simulated sites, servers, a few players: what the product does, in about a minute (KEEP=1 leaves it up)
	$(BIN)/python -m tests.demo

run: $(READY) ## servers, migrations, API and worker on this machine, until Ctrl-C
	$(BIN)/trackers up

test: $(READY) ## every test, on real PostgreSQL and Redis
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: $(READY) ## lint, format, types, layers, the Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

format: $(READY) ## let ruff put the code in order
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

features: $(READY) ## the behavioural contract; BASE_URL=... runs it against a deployment
	$(BIN)/python -m pytest tests/features $(ARGS)

bench: $(READY) ## ratios, each beside its floor in the same run -> benchmarks/results.json
	$(BIN)/python -m benchmarks $(ARGS)

prove: $(READY) ## schema, chaos, soak, load, upgrade on the running product, in nine minutes -> docs/proof.md
	$(BIN)/python -m tests.prove $(ARGS)

client: $(READY) ## write the Python client anew from the OpenAPI schema
	$(BIN)/trackers openapi | $(BIN)/python clients/python/generate.py

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock: $(READY) ## resolve requirements/*.txt anew from pyproject.toml
	$(LOCK) --upgrade --extra embedded --extra dev pyproject.toml -o requirements/dev.txt
	$(LOCK) -c requirements/dev.txt --extra embedded pyproject.toml -o requirements/embedded.txt
	$(LOCK) -c requirements/dev.txt pyproject.toml -o requirements/app.txt

clean: ## remove what was made here
	rm -rf $(VENV) .trackers .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
