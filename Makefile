# The two commands: `make demo` and `make test`. Everything they need is set up by them.
SHELL := /bin/sh
VENV := .venv
# Pinned: it installs what uv.lock says, and must read that file's format.
TOOL := var/uv
UV := $(TOOL)/bin/uv
UV_VERSION := 0.13.9
PYTHON ?= python3
KEEP ?=
SIZES ?=
MEAN ?=
ARGS ?=
EXAMPLES ?=
STAMP := $(VENV)/.synced
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(VENV)
# What Python compiles is kept, away from the sources: each process of the service would else spend three more seconds
# of processor time on its start, and the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/var/pycache

.PHONY: help setup system browser demo test chaos fleet fuzz lint format messages client openapi docs audit benchmark clean

help:
	@echo "make demo         six SSH hosts, the service, one cluster installed end to end; KEEP=1 leaves it running"
	@echo "make test         all tests, on real servers"
	@echo "make chaos        operations on the lab's hosts while something breaks every few seconds; prints its seed"
	@echo "make fleet        what 10, 100 and 1,000 installations at once cost, on SIMULATED hosts (docs/operations.md)"
	@echo "make lint         ruff, mypy and import-linter (part of make test)"
	@echo "make messages     collects texts to translate, compiles what was translated (sanqian_service/locale, cli/locale)"
	@echo "make docs         the documents as a site in var/site; links and warnings are errors"
	@echo "make audit        known vulnerabilities of what uv.lock pins; needs a network (docs/security.md)"
	@echo "make client       3kctl's typed client of the REST API, made from its schema"
	@echo "make fuzz         schemathesis against the live service for longer than in make test; EXAMPLES=100 for each request"
	@echo "make openapi      docs/openapi.yaml from the code (make test fails where they differ)"
	@echo "make benchmark    ratios against OpenSSH, Ansible, a bare Celery hop and a bare Django view in the same run"
	@echo "make clean        remove what the other targets made"

setup: $(STAMP)

$(STAMP): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	@test -x $(UV) || scripts/install-uv "$(PYTHON)" "$(UV_VERSION)" $(TOOL)
	@$(UV) sync --frozen --quiet --inexact --python "$(PYTHON)"
	@touch $@

# The lab's hosts are real OpenSSH servers on a Debian root file system.
system: $(STAMP)
	@$(VENV)/bin/python -m lab setup

# Pages are tested in Debian's Chromium.
browser: $(STAMP)
	@$(VENV)/bin/python -m lab setup --browser

demo: setup system
	@$(VENV)/bin/python -m lab.demo $(if $(KEEP),--keep)

# Most tests wait for hosts and workers, not for a processor. The tests of a file share its hosts.
test: setup system browser
	@$(VENV)/bin/python -m pytest -n $${SANQIAN_TEST_PROCESSES:-3} --dist loadfile

# A seed gives the same faults in the same order; SANQIAN_CHAOS_OPERATIONS is how many operations run at once.
chaos: setup system
	@SANQIAN_CHAOS_SECONDS=$${SANQIAN_CHAOS_SECONDS:-180} $(VENV)/bin/python -m pytest -q -s tests/chaos

lint: setup
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && SANQIAN_DEBUG=1 $(VENV)/bin/mypy && $(VENV)/bin/lint-imports

# The documents and addresses of the REST API, as 3kctl uses them, from the schema.
client: setup
	@$(VENV)/bin/python -m scripts.client

format: setup
	@$(VENV)/bin/ruff check --fix . ; $(VENV)/bin/ruff format .

messages: setup
	@$(VENV)/bin/python -m scripts.messages
	@$(VENV)/bin/python -m scripts.cli_messages

docs: setup
	@$(VENV)/bin/python -m scripts.site

# Not part of `make test`: what is known of a package changes from day to day, and only the network tells.
# --strict: a package that could not be asked for is no good news.
audit: setup
	@mkdir -p var
	@$(UV) export --frozen --quiet --no-emit-project --all-groups --output-file var/requirements.txt >/dev/null
	@if $(UV) tool run --quiet pip-audit --strict --disable-pip --require-hashes --requirement var/requirements.txt \
		>var/audit.txt 2>&1; then cat var/audit.txt; \
	elif grep -q 'known vulnerabilit' var/audit.txt; then cat var/audit.txt; exit 1; \
	else tail -n 1 var/audit.txt; \
		echo "error: nothing was audited: pip-audit, or the list of vulnerabilities that it asks, was not reached (var/audit.txt)." >&2; \
		echo "Fix: run it where PyPI's JSON interface is reached; take var/requirements.txt there (docs/security.md)." >&2; exit 2; fi

fuzz: setup
	@SANQIAN_SCHEMATHESIS_EXAMPLES=$(or $(EXAMPLES),100) $(VENV)/bin/python -m pytest -q -s tests/fuzz

openapi: setup
	@SANQIAN_DEBUG=1 $(VENV)/bin/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

# About 40 minutes a size; SIZES=10,100 MEAN=10 is a short look.
fleet: setup
	@$(UV) sync --frozen --quiet --inexact --group benchmarks
	@$(VENV)/bin/python -m benchmarks.fleet $(if $(SIZES),--sizes $(SIZES)) $(if $(MEAN),--mean $(MEAN)) $(ARGS)

benchmark: setup system
	@$(UV) sync --frozen --quiet --inexact --group benchmarks
	@$(VENV)/bin/python -m benchmarks

clean:
	@test ! -x $(VENV)/bin/python || $(VENV)/bin/python -m lab down
	@rm -rf $(VENV) var .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
