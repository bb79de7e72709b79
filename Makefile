# Two commands are enough for a newcomer: make demo, make test.
# Paths are relative throughout, so that a folder with a space in its name is no obstacle.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-aws soak mutants permissions bench baseline api architecture docs lint types check dist release clean
.DEFAULT_GOAL := check

demo: .venv/installed  ## Deploy an image version with the real CDK CLI to an AWS on this machine
	@$(BIN)/python -m imgver_sandbox demo

# Four at a time on two cores: much of the time is the CDK CLI's waiting.
test: .venv/installed  ## The whole test suite, with the handler's branch coverage
	@$(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder --cov --cov-report=term-missing:skip-covered

test-aws: .venv/installed  ## What the images API really does, on the AWS account of your credentials: docs/test-aws.md
	@CONFORMANCE_TARGET=aws $(BIN)/python -m pytest tests/aws

soak: .venv/installed  ## The model of CloudFormation for long: 2,000 deployments' histories of up to 30 steps
	@LIFECYCLE_EXAMPLES=2000 LIFECYCLE_STEPS=30 $(BIN)/python -m pytest tests/model/test_lifecycle.py

mutants: .venv/installed  ## Break lambda/ in every small way: at least 95 % must make a test of the handler fail
	@rm -rf build/mutants && mkdir -p build/mutants/tests/unit
	@cp -R lambda/imgver_handler lambda/index.py tests/mutation/pyproject.toml build/mutants
	@cp -R tests/events tests/model tests/replays build/mutants/tests
	@cp -R tests/unit/handler build/mutants/tests/unit
	@cd build/mutants && ../../$(BIN)/python -m mutmut run
	@cd build/mutants && ../../$(BIN)/python -m mutmut results --all true | ../../$(BIN)/python ../../tests/mutation/score.py

permissions: .venv/installed  ## What the function used in the end-to-end tests, beside what it was granted
	@$(BIN)/python -m pytest tests/integration/deployments/test_deploy.py --quiet
	@$(BIN)/python tests/integration/deployments/permissions_used.py build/permissions.json

# All run, also after one that failed; the report needs all of them. DEPLOY='--rounds 1' makes the longest one short.
bench: .venv/installed  ## Measure everything, and write docs/performance.md: about 100 minutes
	@rm -f build/bench/*.json
	@failed=0; \
	for benchmark in synth.py cold_start.py polling.py 'deploy.py $(DEPLOY)' scale.py; do \
		$(BIN)/python benchmarks/$$benchmark || failed=1; \
	done; \
	$(BIN)/python benchmarks/report.py --complete && exit $$failed

baseline: .venv/installed  ## Write down what the hot paths take, where that was changed on purpose; needs valgrind
	@$(BIN)/python benchmarks/guard.py --keep

api: .venv/installed  ## Write down the public API, where it was changed on purpose
	@$(BIN)/python tests/unit/constructs/checks/public_api.py

architecture: .venv/installed  ## Draw docs/architecture.md from the imports
	@$(BIN)/python scripts/architecture.py

# Without the variable it prints that MkDocs will have a successor.
docs: .venv/installed  ## The documentation's site, into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

lint: .venv/installed  ## ruff, and import-linter: who may import whom
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@PYTHONPATH=lambda $(BIN)/lint-imports --no-cache --no-logo

types: .venv/installed  ## mypy, strict
	@$(BIN)/python -m mypy
	@$(BIN)/python -m mypy benchmarks/*.py

check: lint types test  ## What CI runs

dist: .venv/installed  ## The sdist, and the wheel built from it, in dist/
	@rm -rf dist
	@"$(BIN)/python" -m build --no-isolation
	@"$(BIN)/python" -m twine check --strict dist/*

release: .venv/installed  ## Number, change log, sdist, wheel, commit and tag: make release VERSION=0.2.0
	@$(BIN)/python scripts/release.py $(VERSION)

clean:  ## Remove everything that make made
	@rm -rf .venv .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist cdk.out

.venv/installed: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	@echo "Installing into .venv (once) …"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch .venv/installed
