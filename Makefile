# Two commands matter: `make run` and `make test`. Both make .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501


.PHONY: reference reliability texts install run test check lint tools bench sandbox pins sizes clean

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

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

tools: $(VENV)/dev.stamp
	sh tests/install-tools.sh $(BIN)

test: lint tools
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks

pins:
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.txt requirements.in
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements-dev.txt requirements-dev.in

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
