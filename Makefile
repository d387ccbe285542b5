# Every command of the project. `make up` and `make test` do the set-up themselves.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup up test check demo bench soak

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.signalbox-set-up
# The first Python that is new enough and can make environments; used only where uv is absent.
FIND_PYTHON = for each in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14; do \
	"$$each" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$each"; exit; }; \
	done; echo "Signalbox needs Python 3.11 or newer with venv (or uv on PATH)" >&2; exit 1

INSTALL_UV := install --quiet --disable-pip-version-check uv

# An environment belongs to the folder it was made in: a copied checkout must not run the original's sources.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv as uv.lock says; quick when nothing changed
	@:

up: setup ## start Signalbox here (ARGS="…" is passed on)
	@$(BIN)/signalbox up $(ARGS)

demo: setup ## show a fleet at work (ARGS="…" is passed on)
	@$(BIN)/signalbox demo $(ARGS)

test: check ## every check, then every test (ARGS="…" is passed on to pytest)
	@$(BIN)/python -m pytest -n 2 $(ARGS)

check: setup ## style, types, imports, dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@# The slowest of them has a core of its own.
	@$(BIN)/pyright & beside=$$!; code=0; \
	{ $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/deptry .; } || code=$$?; \
	wait $$beside || code=$$?; exit $$code

soak: setup ## the tests that take minutes
	@$(BIN)/python -m pytest -m soak $(ARGS)

bench: setup ## measure; results in bench-results/ (ARGS="…" is passed on)
	@$(BIN)/python -m tests.benchmarks $(ARGS)

# Without uv on PATH, uv is installed into .venv and syncs the folder it lives in; --inexact keeps it from removing itself. A pip
# that is there already puts it there in a third of the time that one more pip in .venv takes; an older one cannot.
$(STAMP): pyproject.toml uv.lock
	@echo "Setting up $(VENV) ..." >&2
	@if [ -f $@ ] && [ "$$(cat $@)" != "$(CURDIR)" ]; then rm -rf $(VENV); fi
	@set -e; unset VIRTUAL_ENV UV_PROJECT_ENVIRONMENT; \
	if command -v uv >/dev/null; then uv sync --frozen --quiet; exit; fi; \
	python=$$($(FIND_PYTHON)); \
	$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || "$$python" -m venv --without-pip --clear $(VENV); \
	[ -x $(BIN)/uv ] || "$$python" -m pip --python $(BIN)/python $(INSTALL_UV) 2>/dev/null || { \
		$(BIN)/python -c 'import pip' 2>/dev/null || $(BIN)/python -m ensurepip >/dev/null; $(BIN)/python -m pip $(INSTALL_UV); \
	}; \
	$(BIN)/uv sync --frozen --inexact --quiet
	@printf '%s' "$(CURDIR)" > $@
