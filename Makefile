# Two commands on a fresh machine with Python 3.11+ and make:
#   make demo    set up, start a sandbox, sync an invented chain, show what was found
#   make test    set up, run the tests
# Set-up happens once; while pyproject.toml and the locks are older than the stamp, nothing is
# installed and no network is needed.

.DEFAULT_GOAL := help
SHELL := /bin/sh

ASKED := $(PYTHON)
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3.14 python3; do \
	if $$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$each; break; fi; done)
SAY_VERSION := -c 'import sys; print("%d.%d" % sys.version_info[:2])'
VERSION := $(shell $(PYTHON) $(SAY_VERSION) 2>/dev/null)
# a Python that was asked for has an environment of its own beside the usual one
VENV := $(if $(ASKED),.venv-$(VERSION),.venv)
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
# made with another Python, or with one that is gone: made anew
ifneq ($(shell $(BIN)/python $(SAY_VERSION) 2>/dev/null),$(VERSION))
.PHONY: $(STAMP)
endif
PYTHONS ?= python3.11 python3.12 python3.13
# tests wait for processes and for each other: three workers a core
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(8, 3 * (os.cpu_count() or 1)))')

.PHONY: help setup demo test test-all check format messages docs man chaos bench bench-data lock screens clean

help: ## list these targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /: /' | awk -F': ' '{printf "%-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with the locked dependencies

$(STAMP): pyproject.toml requirements/dev.lock build_hook.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "$(or $(PYTHON),python3) is no Python 3.11 or newer" >&2; exit 1; }
	test "$$($(BIN)/python $(SAY_VERSION) 2>/dev/null)" = "$(VERSION)" || \
		$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

# the compiled catalogues; a checkout has only their sources
MO := storeops/locale/zh_CN/LC_MESSAGES/storeops.mo
$(MO): $(STAMP) $(wildcard storeops/locale/*/*.po)
	$(BIN)/python storeops/locale/build.py

demo: $(MO) ## start a sandbox, sync the demo chain, show what was found
	$(BIN)/storeops demo $(ARGS)

# the homes of tests lie in memory where there is room: a test waits for no disk
MEMORY := /dev/shm
TEST_TMP := $(shell $(PYTHON) -c 'import os, shutil, sys; d = "$(MEMORY)"; \
	print(d if os.access(d, os.W_OK) and shutil.disk_usage(d).free > 6 << 30 else "")' 2>/dev/null)

# tests start hundreds of processes: each file is compiled once, whatever the surroundings say
test: export PYTHONDONTWRITEBYTECODE :=
test: $(MO) ## run the tests
	TMPDIR="$${TMPDIR:-$(TEST_TMP)}" $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

test-all: ## run the tests on every Python of PYTHONS, each in its own environment
	@for each in $(PYTHONS); do echo "== $$each"; $(MAKE) test PYTHON=$$each || exit 1; done

check: $(MO) ## format, lint, types, arrows, catalogues, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/meta
	$(BIN)/python docs/build.py --check

format: $(STAMP) ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

messages: $(STAMP) ## compile the catalogues, name what lacks a twin
	$(BIN)/python storeops/locale/build.py
	$(BIN)/python -m pytest -q tests/meta/test_catalogues.py

docs: $(MO) ## write the reference of both languages from the code
	$(BIN)/python docs/build.py

man: $(MO) ## write man pages of both languages to build/man (MANPATH=build/man man storeops-plan)
	$(BIN)/python docs/build.py --man build/man

# DRILLS picks files, ARGS='-k word' tests in them; CONTRIBUTING.md says what each one shows
DRILLS ?= tests/chaos
chaos: $(MO) ## the long drills: faults, kill -9, races (half an hour and more)
	$(BIN)/python -m pytest -q -s $(DRILLS) --timeout 7200 $(ARGS)

bench: $(MO) ## figures beside floors and peers, one table per file
	@for each in startup client sandbox sync changes orders forecast lots hub; do \
		echo "== $$each"; $(BIN)/python benchmarks/$$each.py || exit 1; done
	@test -e .bench/data.db || $(BIN)/python benchmarks/data.py
	@test -e .bench/small.db || $(BIN)/python benchmarks/data.py \
		--customers 10000 --follows 20000 --out .bench/small.db
	@test -e .bench/peers/.ready || { $(PYTHON) -m venv .bench/peers && \
		.bench/peers/bin/python -m pip install --quiet --disable-pip-version-check \
		'textual-fastdatatable>=0.19,<1' pyarrow && touch .bench/peers/.ready; } || \
		echo "no textual-fastdatatable: its rows stay empty" >&2
	@for each in reading pairs export screens; do \
		echo "== $$each"; $(BIN)/python benchmarks/$$each.py || exit 1; done

bench-data: $(MO) ## build the mirror of 1,000,000 customers that benchmarks read
	$(BIN)/python benchmarks/data.py $(ARGS)

screens: $(MO) ## draw the pictures of the screens for the docs
	$(BIN)/python docs/screens.py

lock: ## resolve the dependencies anew (needs the network)
	test -x .setup/bin/uv || { $(PYTHON) -m venv .setup && .setup/bin/python -m pip install --quiet uv; }
	.setup/bin/uv pip compile pyproject.toml $(LOCK) -o requirements/run.lock
	.setup/bin/uv pip compile pyproject.toml --group dev $(LOCK) -o requirements/dev.lock
# nothing of the machine that locks: no index address, no path
LOCK := --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --quiet --upgrade

clean: ## remove what can be made again
	rm -rf .venv .venv-* .setup .mypy_cache .ruff_cache build dist .bench
