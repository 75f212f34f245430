# Two commands for a newcomer: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Tests start hundreds of processes: each would compile our sources anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test install check format nightly bench bench-daily bench-growth bench-latency bench-many bench-beside bench-door door lock clean

demo: install
	$(BIN)/meterdrop demo

test: install check
	$(BIN)/pytest -n 4 --dist worksteal

install: $(VENV)/installed

$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "meterdrop needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Slow profiles: many more property-test examples, and how many were tried; speed and memory.
nightly: install
	HYPOTHESIS_PROFILE=nightly $(BIN)/pytest -n 2 --dist worksteal --timeout=3600 --hypothesis-show-statistics

# What the door was seen to do: tables of clients, of interruptions and of hostile input.
door: install
	$(BIN)/pytest -n 2 --dist worksteal --tables tests/unit/sftp_server tests/integration/door tests/road/clients \
	  tests/road/test_watch_only.py tests/integration/test_watched_folders.py tests/integration/test_watched_entries.py

bench: install
	$(BIN)/python -m tests.bench

# The file of one day for a million meters, against bare inserts; --database postgresql with its own server.
bench-daily: install
	$(BIN)/python -m tests.bench.daily
	$(BIN)/python -m tests.bench.daily --worker
	$(BIN)/python -m tests.bench.daily --database postgresql
	$(BIN)/python -m tests.bench.daily --worker --database postgresql

# Does memory grow with the file? Originals in a folder and in a bucket, and the rejects file.
bench-growth: install
	$(BIN)/python -m tests.bench.growth

# From a client's CLOSE to its result listed over SFTP: idle, and while a large file loads.
bench-latency: install
	$(BIN)/python -m tests.bench.latency

# Small files a second: 2,000 files of 50 lines from 20 partners.
bench-many: install
	$(BIN)/python -m tests.bench.many
	$(BIN)/python -m tests.bench.many --database postgresql --scaled 1 2

# Other loaders on the same file: those that are installed where TOOLS is the Python.
TOOLS ?= $(BIN)/python
bench-beside: install
	$(BIN)/python -m tests.bench.beside --tools $(TOOLS)

# Against OpenSSH's sshd; needs it installed, not running.
bench-door: install
	$(BIN)/python -m tests.bench.door

# Needs uv; writes versions and hashes only, no addresses.
lock:
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  --no-annotate --python-version 3.11 --extra pipeline --extra door --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
