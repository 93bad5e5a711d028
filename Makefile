# Two commands matter: `make run` and `make test`. Both make .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501


.PHONY: pictures test-long reference reliability texts install run test check lint tools bench sandbox pins sizes clean

$(VENV)/run.stamp: requirements.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("ccexport needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

install: $(VENV)/run.stamp

run: $(VENV)/run.stamp
	CCEXPORT_BASE_URL=$${CCEXPORT_BASE_URL:-http://127.0.0.1:$(PORT)} $(BIN)/streamlit run app.py --server.port $(PORT)

sandbox: $(VENV)/run.stamp
	$(BIN)/python -m ccexport sandbox

LINT := $(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports

lint: $(VENV)/dev.stamp
	$(LINT)

tools: $(VENV)/dev.stamp
	sh tests/install-tools.sh $(BIN)

# Lint and types beside the tests, not before; the twenty slowest at the end.
test: $(VENV)/dev.stamp tools
	@mkdir -p build
	@($(LINT)) > build/lint.log 2>&1 & lint=$$!; \
	$(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder --durations 20; tests=$$?; \
	wait $$lint; linted=$$?; cat build/lint.log; exit $$((tests || linted))

# What to run while working: format, lint, types, layers, and the tests that need no browser and no whole world.
check: $(VENV)/dev.stamp
	@mkdir -p build
	@($(LINT)) > build/lint.log 2>&1 & lint=$$!; \
	$(BIN)/pytest -m fast -n 2 --dist loadgroup; tests=$$?; \
	wait $$lint; linted=$$?; cat build/lint.log; exit $$((tests || linted))

# Every page light and dark, at two widths, into build/screenshots.
pictures: $(VENV)/dev.stamp tools
	PICTURES=1 $(BIN)/pytest tests/browser/test_looks.py

# The same tests with a thousand examples for each property instead of twenty-five.
test-long: $(VENV)/dev.stamp tools
	HYPOTHESIS_PROFILE=long $(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder --durations 20

bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks

# Pins with the hashes of every file of a release, so that pip takes no other.
pins:
	$(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.txt requirements.in
	$(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements-dev.txt requirements-dev.in

# Brings the catalogues of translations up to date with the texts in the code.
texts: $(VENV)/dev.stamp
	$(BIN)/python -m ccexport.ui.texts.extract

sizes:
	@git ls-files '*.py' | xargs wc -l | sort -n | tail -40

clean:
	rm -rf $(VENV) build

# Writes the table of docs/reliability.md anew from what the kill test sees.
reliability: $(VENV)/dev.stamp
	WRITE_RELIABILITY=1 $(BIN)/pytest tests/runs/test_kill.py

# Writes docs/reference.md from the commands and the settings.
reference: $(VENV)/run.stamp
	$(BIN)/python -m ccexport.cli.reference > docs/reference.md
