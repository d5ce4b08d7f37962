# `make demo` and `make test` do all the set-up themselves, on a fresh Debian machine with Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEBIAN := $(PYTHON) tests/servers/debian.py --install
# pip makes no bytecode of what it installs with -e
BYTECODE := $(BIN)/python -m compileall -q canary
BROWSER := chromium fonts-dejavu-core libatomic1

.DEFAULT_GOAL := help
.PHONY: help demo check test soak lint bench dashboards pictures audit-deps format clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/runtime ## Watch the canary find seven faults in an embedded demo CA (about 90 s)
	@$(DEBIAN) $(BROWSER)
	@$(BIN)/cpr-canary demo $(ARGS)

check: lint ## The fast lane: lint, types, import rules, and the tests that start no program (a minute or two)
	$(BIN)/pytest --fast -n 2 $(ARGS)

test: lint ## Everything: lint, types, import rules, tests against real servers
	@$(DEBIAN)
	$(BIN)/pytest -n 4 --dist worksteal $(ARGS)

soak: lint ## Everything that can happen to a canary, at random: MINUTES=60 before a release, SEED=n repeats one
	@$(DEBIAN)
	MINUTES=$(or $(MINUTES),10) SEED=$(or $(SEED),$$(date +%s)) MIB=6 $(BIN)/pytest tests/soak/test_soak.py tests/soak/test_hostile_mail.py \
		tests/soak/power_loss_on_a_device.py $(ARGS)

lint: $(VENV)/development ## Style, types, import rules
	$(BIN)/ruff format --check canary dashboards tests
	$(BIN)/ruff check canary dashboards tests
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/development ## Measure, beside other tools in the same run
	@$(DEBIAN)
	$(BIN)/python tests/bench/run.py $(ARGS)

dashboards: $(VENV)/development ## Generate the Grafana dashboards and the alert rules again
	$(BIN)/python -m dashboards
	$(BIN)/python -m dashboards.alerts

pictures: $(VENV)/development ## Draw the dashboards for the documentation again
	@$(DEBIAN)
	PYTHONPATH=tests $(BIN)/python -m tests.dashboards.pictures docs/images

audit-deps: | $(VENV)/bin/python ## Hold the pinned versions against the known vulnerabilities (asks PyPI; says so if it cannot)
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/python -m tests.audit_dependencies $(VENV)/audit/bin/pip-audit

format: $(VENV)/development ## Format the code
	$(BIN)/ruff format canary dashboards tests
	$(BIN)/ruff check --fix canary dashboards tests

clean: ## Remove what these targets made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || apt-get -y install python3-venv \
		|| { echo "python3-venv is needed; install it as root: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo]'
	@$(BYTECODE)
	@touch $@

$(VENV)/development: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@$(BYTECODE)
	@touch $@ $(VENV)/runtime
