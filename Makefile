# make demo    the software on its own documentation, at http://127.0.0.1:$(PORT)/
# make test    the default test suite, browser included
# make lint    style and types, Python and JavaScript
# make docs    the documentation alone, in .demo/html
# make clean   away with all that these made

PYTHON ?= python3
PORT ?= 8800
VENV := .venv
BIN := $(VENV)/bin
HTML := .demo/html
INDEX := .demo/index

.PHONY: demo test lint docs clean chromium
.DELETE_ON_ERROR:

demo: $(VENV)/demo.stamp
	$(BIN)/python -m sphinx -q -j auto -d .demo/doctrees demo_docs $(HTML)
	$(BIN)/molsys-chat index $(HTML) -o $(INDEX)
	exec $(BIN)/molsys-chat serve $(INDEX) --docs $(HTML) --port $(PORT)

test: $(VENV)/dev.stamp chromium
	$(BIN)/python -m pytest

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	"$$($(BIN)/python tests/js/node_setup.py)" node_modules/typescript/bin/tsc --noEmit

docs: $(VENV)/demo.stamp
	$(BIN)/python -m sphinx -q -W -j auto -d .demo/doctrees demo_docs $(HTML)

clean:
	rm -rf $(VENV) .demo node_modules dist .mypy_cache .pytest_cache .ruff_cache

# A browser for the tests: one that is here, else Debian's package, else Playwright's own.
chromium: $(VENV)/dev.stamp
	@for name in $(MOLSYS_CHAT_CHROMIUM) chromium chromium-browser google-chrome; do \
	    if command -v $$name >/dev/null; then exit; fi; done; \
	{ test "$$(id -u)" = 0 && grep -qs '^ID=debian' /etc/os-release && apt-get update -qq \
	  && apt-get install -y -qq --no-install-recommends chromium; } \
	|| $(BIN)/python -m playwright install chromium

$(VENV)/demo.stamp: EXTRAS := server,offline,docs
$(VENV)/dev.stamp: EXTRAS := dev

# torch is named, so that constraints.txt decides which one comes.
$(VENV)/%.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt torch -e ".[$(EXTRAS)]"
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit( \
	    "Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0] \
	    + "; name another: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
