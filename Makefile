# Every target works on a fresh clone of a machine that has only Python 3.11+ (with venv), make and a package registry.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
unexport PYTHONDONTWRITEBYTECODE  # tests start hundreds of processes: each would compile everything again

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
BENCH  := $(VENV)/.bench
WORKERS ?= 3

.PHONY: help install demo run test test-slow test-dates check format features features-deployed bench prove client lock lock-check audit clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 20

install: $(READY) ## make .venv with everything in it (the other targets do this by themselves)

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@rm -f $(BENCH)
	@touch $@

demo: $(READY) ## simulated sites, servers, a few players: what the product does, in about a minute (KEEP=1 leaves it up)
	$(BIN)/python -m tests.demo

run: $(READY) ## servers, migrations, API and worker on this machine, until Ctrl-C
	$(BIN)/trackers up

PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
test: $(READY) ## every test but the slow ones, the features too, on real PostgreSQL and Valkey, in about eight minutes
	$(PYTEST) -m "not slow" $(ARGS)

test-slow: $(READY) ## the slow tests: processes and servers that die, the demo, the parts of prove, every command of the pages
	$(PYTEST) -m slow $(ARGS)

test-dates: $(READY) ## unit tests and date-sensitive ones on seven other days, in three minutes (needs libfaketime)
	.ci/dates

check: $(READY) ## lint, format, types, layers, the Dockerfile, banned words
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/python .ci/words

format: $(READY) ## let ruff put the code in order
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

features: $(READY) ## the behavioural contract; BASE_URL=... BOT_KEY=... run it against a deployment (README)
	$(BIN)/python -m pytest tests/features $(ARGS)

features-deployed: $(READY) ## the same against `trackers up` on simulated sites, all started and ended here
	$(BIN)/python -m tests.features.deployed $(ARGS)

$(BENCH): $(READY) requirements/bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

bench: $(BENCH) ## ratios, each beside its floor in the same run -> benchmarks/results.json
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
	$(LOCK) -c requirements/dev.txt --extra bench pyproject.toml -o requirements/bench.txt

# The Pythons and platforms that we promise. Nothing is installed: uv asks the registry which wheels there are.
PYTHONS   := 3.11 3.12 3.13 3.14
PLATFORMS := x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin
lock-check: $(READY) ## requirements/*.txt have a wheel of everything for each Python and platform that we promise
	@for file in requirements/*.txt; do for python in $(PYTHONS); do for platform in $(PLATFORMS); do \
		$(BIN)/uv pip install --quiet --dry-run --target $(VENV)/none --python-version $$python \
			--python-platform $$platform --only-binary :all: --require-hashes -r $$file \
			|| { echo "$$file cannot be installed for Python $$python on $$platform" >&2; exit 1; }; \
	done; done; done
	@rm -r $(VENV)/none

# An advisory fails it; packages of which the registry knows nothing are listed, and docs/dependencies.md says what then.
audit: $(READY) ## advisories about the packages of the lock, as far as the registry has any
	$(BIN)/pip-audit --disable-pip --require-hashes --progress-spinner off -r requirements/dev.txt

clean: ## remove what was made here
	rm -rf $(VENV) .trackers .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
