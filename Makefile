# Two commands are enough for a newcomer: make demo, make test.
# All paths are relative, so that the name of the clone's folder may contain a space.

PYTHON ?= python3
BIN := .venv/bin
# Four processes on two cores: much of the time the CDK CLI waits.
PYTEST := $(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

# Without bytecode, every process that imports the CDK compiles it again, which takes seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-all test-fast test-aws matrix lint types check soak mutants permissions bench docs dist release clean
.DEFAULT_GOAL := help

help:  ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: .venv/demo.installed  ## Deploy an image version with the real CDK CLI to a sandbox on this machine
	@$(BIN)/imgver-sandbox demo

test: .venv/test.installed  ## Run the tests, and measure the branch coverage of the handler
	@$(PYTEST) -m "unit and not exhaustive" --cov --cov-report=term-missing:skip-covered
	@$(PYTEST) -m "not unit and not exhaustive"

test-all: .venv/test.installed  ## Run all tests, also those that take half a minute or more each
	@$(PYTEST)

test-fast: .venv/test.installed  ## Run the unit tests: no server, no CDK CLI, no network
	@$(PYTEST) --numprocesses 2 -m "unit and not slow"

test-aws: .venv/test.installed  ## Test the images API in your AWS account, DRY_RUN=1 lists the calls: docs/test-aws.md
	@CONFORMANCE_TARGET=$(if $(DRY_RUN),dry-run,aws) $(BIN)/python -m pytest tests/aws

matrix: .venv/test.installed  ## Test with the oldest and newest Python, CDK, boto3 and Node.js, and write docs/compatibility.md
	@$(BIN)/python scripts/matrix.py

lint: .venv/test.installed  ## Run ruff, codespell and import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/codespell
	@PYTHONPATH=lambda:sandbox $(BIN)/lint-imports --no-cache --no-logo

types: .venv/test.installed  ## Run mypy in strict mode
	@$(BIN)/mypy
	@$(BIN)/mypy conftest.py tests
	@$(BIN)/mypy --cache-dir .mypy_cache/sandbox sandbox/tests

check: lint types test  ## Run everything that CI runs

soak: .venv/test.installed  ## Run 2,000 long and 2,000 quiet histories of the CloudFormation model: about 30 minutes
	@LIFECYCLE_EXAMPLES=2000 LIFECYCLE_STEPS=30 $(BIN)/python -m pytest tests/model/test_lifecycle.py
	@LIFECYCLE_EXAMPLES=2000 LIFECYCLE_QUIETNESS=10 $(BIN)/python -m pytest tests/model/test_lifecycle.py

mutants: .venv/mutants.installed  ## Change lambda/ in many small ways: a test must fail for at least 95 % of the changes
	@rm -rf build/mutants && mkdir -p build/mutants/tests/unit
	@cp -R lambda/imgver_handler lambda/index.py lambda/start_failure.py tests/mutation/pyproject.toml build/mutants
	@cp -R tests/events tests/model tests/replays build/mutants/tests
	@cp -R tests/unit/handler build/mutants/tests/unit
	@cd build/mutants && ../../$(BIN)/python -m mutmut run
	@cd build/mutants && ../../$(BIN)/python -m mutmut results --all true | ../../$(BIN)/python ../../tests/mutation/score.py

permissions: .venv/test.installed  ## Compare the permissions that the function uses in the end-to-end tests with its policies
	@$(BIN)/python -m pytest tests/integration/deployments/test_deploy.py --quiet --capture=no

# All benchmarks run, even if one fails. DEPLOY='--rounds 1' shortens the longest one.
bench: .venv/bench.installed  ## Measure everything, and write docs/performance.md: about two hours
	@rm -f build/bench/*.json
	@failed=0; \
	for benchmark in synth.py cold_start.py polling.py 'deploy.py $(DEPLOY)' scale.py start.py; do \
		$(BIN)/python benchmarks/$$benchmark || failed=1; \
	done; \
	$(BIN)/python benchmarks/report.py && exit $$failed

# Without the variable, MkDocs prints a notice about MkDocs 2.
docs: .venv/docs.installed  ## Build the documentation site in build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

dist: .venv/release.installed  ## Build an sdist and a wheel of both distributions in dist/
	@rm -rf dist
	@$(BIN)/python -m build --outdir dist .
	@$(BIN)/python -m build --outdir dist sandbox
	@$(BIN)/python -m twine check --strict dist/*

release: .venv/release.installed lint  ## Set the version, build, commit and tag: make release VERSION=0.2.0
	@bash scripts/release.sh $(VERSION)

clean:  ## Remove all files that make created
	@rm -rf .venv .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist cdk.out

# uv installs in seconds. A uv in PATH is used; otherwise pip installs it into .venv.
.venv/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is required: make PYTHON=python3.12 …")'
	@echo "Creating .venv …"
	@if command -v uv >/dev/null; then \
		uv venv --quiet --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv && ln -s "$$(command -v uv)" .venv/uv; \
	else \
		$(PYTHON) -m venv --clear .venv && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv && ln -s bin/uv .venv/uv; \
	fi

# Each group of pyproject.toml is installed when the first command needs it. The demo needs no group.
# aws-cdk-lib and aws-cdk.cloud-assembly-schema both contain aws_cdk/cloud_assembly_schema. Only the file of
# aws-cdk-lib works, so it must be written last: uv installs in any order.
.venv/%.installed: constraints.txt pyproject.toml sandbox/pyproject.toml | .venv/uv
	@echo "Installing the packages of the dependency group $* …"
	@.venv/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt aws-cdk.cloud-assembly-schema
	@.venv/uv pip install --python $(BIN)/python --constraint constraints.txt --group $* --editable . --editable ./sandbox
	@touch $@
