# Everything a developer runs. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# --system-certs: behind a proxy that inspects TLS, only the system's certificates are right.
# --compile-bytecode: start-up must not pay for compiling, also where Python may not write caches.
INSTALL := $(BIN)/uv pip sync --quiet --system-certs --require-hashes --compile-bytecode \
	--python $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast test-without-samples generators coverage soak faults proofs doctor lint audit format migration migrate bench growth bench-writes compare models lock clean

help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: $(VENV)/.development ## Install everything for development into .venv

run: $(VENV)/.runtime ## Serve on SQLite with a development issuer (Ctrl-C ends both)
	@exec $(BIN)/python -m api dev

test: $(VENV)/.development ## Run the tests
	@$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadscope

test-fast: $(VENV)/.development ## Run the tests that start no process, on SQLite (under 90 s on two cores)
	@$(BIN)/python -m pytest --quiet --numprocesses=auto --maxprocesses=4 --dist=loadfile \
		-m "not processes" --ignore=tests/faults --hypothesis-profile=fast

generators: $(VENV)/.development ## Generate clients with other tools and use them; lint the API's description
	@REQUIRE_FINALE=1 $(BIN)/python -m pytest --durations=10 tests/generators

coverage: $(VENV)/.development ## Run the tests and report which branches they reach, in subprocesses too
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest --quiet --numprocesses=auto --maxprocesses=4 --dist=loadscope $(COVERAGE)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

test-without-samples: $(VENV)/.development ## Run lint and the fast tests in a copy without the samples
	@copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && \
		$(BIN)/python -m tests.fixtures.project_copy "$$copy" && \
		ln -s "$(CURDIR)/$(VENV)" "$$copy/$(VENV)" && \
		$(MAKE) --no-print-directory -C "$$copy" --assume-old=$(VENV)/.development lint test-fast

soak: $(VENV)/.development ## Let everybody at the service for 5 minutes on each database (SOAK_SECONDS)
	@SOAK_SECONDS=$${SOAK_SECONDS:-300} $(BIN)/python -m pytest -o faulthandler_timeout=1200 \
		tests/faults/test_soak.py

faults: $(VENV)/.development ## Run the proofs of faults in full, with the real time limits (some 10 minutes)
	@FAULTS_FULL=1 POOL_SECONDS=120 WAL_MEGABYTES=151 MIGRATIONS_AT_ONCE=6 MIGRATION_ROUNDS=5 \
		$(BIN)/python -m pytest -o faulthandler_timeout=1200 \
		--ignore=tests/faults/test_soak.py tests/faults

proofs: $(VENV)/.development ## Run the proofs of writes in full (some 40 minutes)
	@PROOFS_FULL=1 $(BIN)/python -m pytest -o faulthandler_timeout=7200 --log-cli-level=INFO \
		tests/proofs

lint: $(VENV)/.development ## Check style, types, import directions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

audit: $(VENV)/.development ## Write the SBOM (build/sbom.cdx.json), report known vulnerabilities of the lock files
	@$(BIN)/python -m supply_chain

format: $(VENV)/.development ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

doctor: $(VENV)/.runtime ## Check settings, database, issuers, and which large tables lack an index
	@$(BIN)/python -m api doctor

migrate: $(VENV)/.runtime ## Bring the database of DATABASE_URL to the newest revision
	@$(BIN)/alembic upgrade head

migration: $(VENV)/.development ## Write a migration from the models: make migration m="add colour"
	@test -n "$(m)" || { echo 'usage: make migration m="what it does"' >&2; exit 2; }
	@$(BIN)/alembic upgrade head
	@$(BIN)/alembic revision --autogenerate -m "$(m)"

bench: $(VENV)/.development ## Measure against Finale on Node (options: BENCH="--quick")
	@$(BIN)/python -m benchmarks $(BENCH)

growth: $(VENV)/.development ## Measure costs from 10,000 to 1,000,000 rows (options: GROWTH="--postgres")
	@$(BIN)/python -m benchmarks.growth $(GROWTH)

bench-writes: $(VENV)/.development ## Measure what writes that keep their promises cost (WRITES="--before COMMIT --postgres")
	@$(BIN)/python -m benchmarks.writes $(WRITES)

compare: $(VENV)/.development ## Print where responses differ from Finale's (COMPARE="-k a9 --responses")
	@$(BIN)/python -m pytest --quiet --differences tests/conformance $(COMPARE)

models: $(VENV)/.development ## Write client/models.py, the typed clients of this service
	@$(BIN)/python -c "$$DESCRIBE" | $(BIN)/python -m client generate - --output client/models.py

define DESCRIBE
import json
from api.app import create_service
from api.settings import ApiSettings
settings = ApiSettings.parse({"ISSUER": "https://issuer.example/", "AUDIENCE": "api"})
print(json.dumps(create_service(settings).openapi()))
endef
export DESCRIBE

lock: $(VENV)/.installer ## Resolve the dependencies anew into requirements*.txt
	$(BIN)/uv pip compile --quiet --system-certs --upgrade --generate-hashes --no-emit-index-url \
		--no-header --universal pyproject.toml --group client -o requirements.txt
	$(BIN)/uv pip compile --quiet --system-certs --upgrade --generate-hashes --no-emit-index-url \
		--no-header --universal pyproject.toml --group client --group dev -c requirements.txt \
		-o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --system-certs --upgrade --generate-hashes --no-emit-index-url \
		--no-header --universal --python-version 3.11 tests/generators/requirements.in \
		-o tests/generators/requirements.txt

clean: ## Remove what was installed and cached
	rm -rf $(VENV) tests/conformance/finale/node_modules tests/generators/node_modules build/generators .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.installer: requirements-installer.txt
	@echo "Creating $(VENV) and installing uv ..."
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
		echo "make: $(PYTHON) is not installed; this needs Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: $(PYTHON) is older than 3.11; set PYTHON=python3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo "make: $(PYTHON) has no venv; install it (Debian: python3-venv)" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements-installer.txt
	@touch $@

# The development set holds the runtime's: whichever was installed last must not take the other
# away, so the runtime is only synced where there is no development set.
$(VENV)/.runtime: $(VENV)/.installer requirements.txt
	@echo "Installing what the service needs into $(VENV) ..."
	@if [ -e $(VENV)/.development ]; then \
		$(INSTALL) requirements-dev.txt requirements-installer.txt; \
	else $(INSTALL) requirements.txt requirements-installer.txt; fi
	@touch $@

$(VENV)/.development: $(VENV)/.installer requirements.txt requirements-dev.txt
	@echo "Installing what development needs into $(VENV) ..."
	@$(INSTALL) requirements-dev.txt requirements-installer.txt
	@touch $@ $(VENV)/.runtime
