# `make help` lists the verbs. Everything runs in .venv, which `make env` keeps as requirements.txt says.
PYTHON ?= python3
PORT ?= 8000
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
# nbgrader calls `alembic` by name: without the environment's bin on PATH it leaves a half-made gradebook.
export PATH := $(BIN):$(PATH)
# One thread a process: the cores are used by running pages and tests side by side.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
.DEFAULT_GOAL := help
.PHONY: help env book serve test lint bench mutate demo lab lock clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(VENV)/.installed

$(VENV)/.installed: requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "Python %d.%d is too old: install 3.11 or newer, or name one: make PYTHON=python3.12 ..." % v[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing requirements.txt into .venv (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt \
		|| { echo "pip could not install requirements.txt: is there a network? Its message stands above; then run make again"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

book: env ## build the book into _build/html
	@python -m book build

serve: env ## build the book and serve it on http://localhost:8000 (PORT=...)
	@python -m book serve --port $(PORT)

test: env ## run every test; says what it could not run and why, and what took the time
	@python -m tests

lint: env ## ruff, ruff format and mypy
	@ruff check . && ruff format --check . && mypy

bench: env ## time the library, the grader and the figures against others, and print the ratios
	@python -m bench

mutate: env ## change the library (CHAPTERS="dropout ...") and the solutions one place at a time, and see a check fail each time; takes hours
	@python -m tests.mutate $(CHAPTERS)
	@python -m autograder.mutate

demo: env ## a made-up class of 40, graded, and its report: the instructor's two-minute tour
	@autograder demo

lab: env ## JupyterLab with formgrader on this course
	@mkdir -p course && jupyter lab

lock: env ## write constraints.txt from what is installed
	@pip freeze --exclude-editable | sed 's/+cpu//' > constraints.txt

clean: ## remove what the other verbs made, the environment too
	rm -rf .venv _build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
