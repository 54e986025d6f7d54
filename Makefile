# Everything a newcomer needs; `make` lists it. Needs Python >= 3.11, git and make; uses uv when it is there.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 3000
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
SETUP := $(VENV)/.installed
SPARK := .venv-spark/.installed
PRICES := $(shell sed -n 's/^\(genai-prices==[^ ;]*\).*/\1/p' requirements.lock)

.PHONY: help run bills test ui report bench torture load spark audit docs models answers focus pictures recipes lint lock clean

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

run: $(SETUP) ## Run the daily job: on the configured sources, or on the example company when none is configured
	@$(BIN)/paceline run

bills: $(SETUP) ## Run the example company with its bills, into data/with-bills (stand-ins of the providers' APIs on loopback)
	@$(BIN)/python -m tests.example_bills

test: $(SETUP) ## Run all tests, dbt's unit tests included
	@$(BIN)/python -m pytest

ui: $(SETUP) ## Open Dagster on 127.0.0.1:3000 (PORT changes it), with its schedule and sensor running
	@$(BIN)/python -m pipelines.home $(BIN)/dagster dev -h 127.0.0.1 -p $(PORT) -w workspace.yaml

report: $(SETUP) ## Write the published warehouse as one page, report.html in the data directory
	@$(BIN)/paceline report

bench: $(SETUP) ## Measure: reading, history, a run with nothing new, queries, peers; the back-tests; the plan at scale
	@$(BIN)/python -m benchmarks.bench
	@$(BIN)/python -m benchmarks.forecast
	@$(BIN)/python -m benchmarks.plan_scale
	@$(BIN)/python -m benchmarks.alerts

torture: $(SETUP) ## Kill the daily job and the re-plan 100 times and look for what is lost; all seeds of Slack's faults (long)
	@$(BIN)/python -m tests.torture --kills 100 --seed 1
	@$(BIN)/python -m tests.restart
	@$(BIN)/python -m pytest --long tests/alerts/test_exactly_once.py tests/pipelines/test_lost_and_damaged.py tests/pipelines/test_one_call_one_row.py tests/pipelines/test_s3.py

load: $(SETUP) ## Measure a day of 10,000 developers and 10 M calls (10 GB of disk)
	@$(BIN)/python -m benchmarks.load

spark: $(SETUP) $(SPARK) ## Build the event half on a Spark cluster of this machine and compare it with DuckDB's (needs Java 17)
	@$(BIN)/python -m benchmarks.spark

audit: $(SETUP) ## Look for known holes in the pinned dependencies
	@.ci/audit

docs: $(SETUP) ## Build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

models: $(SETUP) ## Write dbt's documentation of all models to data/models.html
	@$(BIN)/python -m pipelines.model_docs

answers: $(SETUP) ## Write the answers below the queries of all pages anew
	@$(BIN)/python -m tests.answers

focus: $(SETUP) ## Check the bill with the official FOCUS validator (needs Python 3.12; FILE=... checks a Parquet file)
	@$(BIN)/python -m tests.focus $(FILE)

pictures: $(SETUP) ## Take the documentation's pictures anew (needs chromium, and `make run` on the example company)
	@$(BIN)/python -m tests.report_pictures
	@$(BIN)/python -m tests.screenshots

recipes: $(SETUP) ## Follow CONTRIBUTING's recipes in a copy of the tree and run what they make (long)
	@$(BIN)/python -m pytest --long tests/test_recipes.py

lint: $(SETUP) ## Check style and types: ruff, pyrefly, sqlfluff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests pipelines/report/exhibits
	@$(BIN)/pyrefly check --output-format min-text --summary=none

lock: ## Pin all dependencies anew, with hashes (needs uv)
	@uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --extra dev --extra postgres pyproject.toml -o requirements.lock
	@uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --extra image --constraints requirements.lock --no-annotate pyproject.toml -o requirements-image.lock

clean: ## Remove the environment and everything that runs have made (data/ included)
	@rm -rf $(VENV) .venv-spark data build site *.egg-info .pytest_cache .ruff_cache .hypothesis

$(SETUP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Paceline needs Python 3.11 or newer; none was found on PATH."; exit 1; }
	@echo "Setting up $(VENV) (some minutes, once) ..."
	@if command -v uv >/dev/null; then \
		uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
		$(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $(SETUP)

$(SPARK): requirements.lock pyproject.toml
	@$(PYTHON) -m venv .venv-spark
	@.venv-spark/bin/python -m pip install --quiet --disable-pip-version-check -e '.[spark]' '$(PRICES)'
	@touch $(SPARK)
