# Two commands on a fresh machine: `make demo` and `make test`. Both set up .venv from constraints.txt.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BENCH := .venv-bench

# Real recordings beside the checkout are read by tests where they are found; a fresh clone does without.
ifneq ($(wildcard ../shared/data/README.md),)
export SACCADE_TEST_DATA ?= $(abspath ../shared/data)
endif

.PHONY: help demo test test-interpreter test-rivals lint format bench docs clean

help:
	@echo "make demo   set up, run the whole path on a real recording, write demo/report.html"
	@echo "make test   set up, run the tests          make lint   format, rules, types, imports"
	@echo "make bench  measure against rival libraries make docs  build the documentation in site/"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.user: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.user
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev,hdf5,video,geo]"
	@touch $@

$(VENV)/.docs: $(VENV)/.user
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[docs]"
	@touch $@

demo: $(VENV)/.user
	$(BIN)/saccade demo --out demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/house

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Triton's interpreter needs the triton package, which the CPU build of torch does not bring.
test-interpreter: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt triton
	TRITON_INTERPRET=1 $(BIN)/python -m pytest -q -m interpreter

# Rivals have an environment of their own: some would replace torch by a CUDA build, so theirs comes first
# and they are installed without dependencies.
$(BENCH)/.rivals: benchmarks/requirements.txt benchmarks/rivals.txt constraints.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --constraint constraints.txt --editable .
	$(BENCH)/bin/python -m pip install --quiet --constraint constraints.txt --requirement benchmarks/requirements.txt
	$(BENCH)/bin/python -m pip install --quiet --no-deps --requirement benchmarks/rivals.txt
	@touch $@

# Brian2 needs an older NumPy than the others.
$(BENCH)-brian2/.rivals: benchmarks/requirements-brian2.txt constraints.txt
	$(PYTHON) -m venv $(BENCH)-brian2
	grep -v '^numpy==' constraints.txt > $(BENCH)-brian2/constraints.txt
	$(BENCH)-brian2/bin/python -m pip install --quiet --constraint $(BENCH)-brian2/constraints.txt --editable . --requirement benchmarks/requirements-brian2.txt
	@touch $@

test-rivals: $(BENCH)/.rivals
	$(BENCH)/bin/python -m pip install --quiet --constraint constraints.txt pytest hypothesis
	$(BENCH)/bin/python -m pytest -q -m rivals -W default

bench: $(BENCH)/.rivals $(BENCH)-brian2/.rivals $(VENV)/.user
	$(BIN)/python benchmarks/start_up.py
	for question in decode represent neurons retrieval delta; do \
	  OMP_NUM_THREADS=1 $(BENCH)/bin/python -W ignore benchmarks/$$question.py || exit 1; \
	done
	$(BENCH)/bin/python -W ignore benchmarks/place_network.py --threads 1 2 --batch 1 8
	$(BENCH)/bin/python -W ignore benchmarks/place_training.py
	OMP_NUM_THREADS=1 $(BENCH)-brian2/bin/python -W ignore benchmarks/place_stdp.py
	$(BIN)/python benchmarks/energy.py
	$(BIN)/python docs/performance_table.py

docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict

clean:
	rm -rf demo runs site .pytest_cache .ruff_cache .import_linter_cache
