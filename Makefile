# Everything here needs only make and Python 3.11 or newer. `make help` lists what there is.

VENV     := .venv
BIN      := $(VENV)/bin
CLIENTS  := .clients
INSTALL  := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# In a checkout everything the gateway keeps is in ./data, unless the environment says otherwise.
ANTIPHON_DATA ?= data
export ANTIPHON_DATA

# Python keeps what it compiled, whatever the environment says: to collect the tests takes each worker half the time.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help serve key test test-upstream test-clients chaos-upstream bench docs catalogue lock clean

help: ## What you can do here
	@sed -n 's/^\([a-z-]*\):.*## /\1@/p' $(MAKEFILE_LIST) | while IFS=@ read -r name text; do \
	  printf '  make %-14s %s\n' "$$name" "$$text"; done

serve: $(VENV)/.runtime ## Start the gateway (ARGS="--port 9000", and ANTIPHON_… from the environment)
	@$(BIN)/antiphon serve $(ARGS)

key: $(VENV)/.runtime ## Make another gateway key (NAME=laptop)
	@$(BIN)/antiphon keys create $(or $(NAME),key)

test: $(VENV)/.dev $(if $(filter true,$(CI)),$(VENV)/.upstream) ## Everything that checks the project
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -n auto $(ARGS)

test-upstream: $(VENV)/.upstream ## The tests against a real llama.cpp server; `make test` has them when CI=true
	$(BIN)/python -m pytest -n 0 tests/upstream_real $(ARGS)

test-clients: $(VENV)/.dev $(CLIENTS)/.npm $(CLIENTS)/.openai-2 $(CLIENTS)/.openai-3 ## Codex, opencode, LangChain, … unmodified, against the gateway (needs npm; takes 2 GB once)
	$(BIN)/python -m pytest -n auto -m agents tests/agents $(ARGS)

chaos-upstream: $(VENV)/.dev ## Every fault of a provider in every dialect, and a table of what clients see
	$(BIN)/python -m pytest -n 0 -m "chaos or not chaos" tests/faults $(ARGS)

bench: $(VENV)/.runtime ## Measure speed and memory, beside others in the same run
	$(BIN)/python -m bench $(ARGS)

docs: $(VENV)/.dev ## Write again what is made from the code: settings, schema, example file, fields
	$(BIN)/antiphon schema --format markdown > docs/settings.md
	$(BIN)/antiphon schema > antiphon.schema.json
	$(BIN)/antiphon schema --format yaml > antiphon.example.yaml
	$(BIN)/antiphon fields > docs/fields.md

catalogue: $(VENV)/.dev ## Make the catalogue of prices and limits again, from the newest data
	@rm -rf build/catalogue && mkdir -p build/catalogue
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --dest build/catalogue litellm
	$(BIN)/python -m scripts.catalogue build/catalogue/litellm-*.whl

# The lock files hold the exact version and hashes of every package, for all platforms and Python versions
# at once. The other two are held to the versions of the first, so that tests run what is served.
LOCKED  := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-header --no-emit-index-url --no-emit-find-links
COMPILE := $(LOCKED) pyproject.toml --extra build

lock: $(VENV)/.dev ## Choose the newest versions of all packages again (LOCK= keeps what still fits)
	$(INSTALL) uv
	$(COMPILE) $(LOCK) --output-file requirements/runtime.txt
	$(COMPILE) $(LOCK) --extra dev --constraint requirements/runtime.txt --output-file requirements/dev.txt
	$(COMPILE) $(LOCK) --extra dev --extra upstream --constraint requirements/dev.txt \
	  --output-file requirements/upstream.txt
	for major in 2 3; do \
	  $(LOCKED) $(LOCK) tests/agents/python/openai-$$major.in --output-file tests/agents/python/openai-$$major.txt; \
	done

LOCK ?= --upgrade

clean: ## Remove the virtual environment and the caches, but no data
	rm -rf $(VENV) $(CLIENTS) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis build dist

# Each stamp is newer than what was installed from; so a second `make serve` starts at once.

$(BIN)/python:
	@found=; for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Antiphon needs Python 3.11 or newer, and there is none here (make PYTHON=/path/to/python3.12)." >&2; exit 1; \
	fi; \
	if ! $$found -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "$$found cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv." >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$($$found --version)" >&2; \
	$$found -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "Installing what Antiphon needs" >&2
	@$(INSTALL) --require-hashes --requirement requirements/runtime.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "Installing what its tests need" >&2
	@$(INSTALL) --require-hashes --requirement requirements/dev.txt
	@touch $@

$(VENV)/.upstream: requirements/upstream.txt $(VENV)/.dev
	@echo "Installing a real upstream" >&2
	@$(INSTALL) --require-hashes --requirement requirements/upstream.txt
	@touch $@

# The agents that `make test-clients` runs. Some want version 2 of OpenAI's library, others version 3.

$(CLIENTS)/.openai-%: tests/agents/python/openai-%.txt | $(BIN)/python
	@echo "Installing agents in Python (openai $*)" >&2
	@$(BIN)/python -m venv --clear $(CLIENTS)/openai-$*
	@$(CLIENTS)/openai-$*/bin/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes --requirement $<
	@touch $@

# Not `npm ci`: it refuses a lock file in which the packages for some other platform are missing.
$(CLIENTS)/.npm: tests/agents/package-lock.json tests/agents/package.json
	@mkdir -p $(CLIENTS)
	@if command -v npm >/dev/null; then \
	  echo "Installing agents in JavaScript" >&2; \
	  cp $^ $(CLIENTS) && npm install --prefix $(CLIENTS) --loglevel error --no-audit --no-fund >/dev/null && touch $@; \
	else \
	  echo "There is no npm here: the tests of agents in JavaScript are skipped." >&2; \
	fi
