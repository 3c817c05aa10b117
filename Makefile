# Everything a contributor runs. Each target first makes .venv, once, and again when pyproject.toml changes.

PYTHON ?= python3
TORCH_INDEX ?=
OUT ?= build/tour

BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := .venv/.ready
TORCH = $(shell sed -n 's/^ *"\(torch[^"]*\)".*/\1/p' pyproject.toml)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
PYTEST := QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest --no-header

# $(call check,NAME,COMMAND): one line if all is well; else all that COMMAND says.
check = @said=$$($(2) 2>&1) && echo '$(1): fine' || { printf '%s\n' "$$said"; echo '$(1): see above' >&2; exit 1; }

# The built app, and its window program.
ifneq ($(OS),Windows_NT)
SYSTEM := $(shell uname)
endif
ifeq ($(SYSTEM),Darwin)
APP := dist/embedviz.app
PROGRAM := $(APP)/Contents/MacOS/embedviz
else
APP := dist/embedviz
PROGRAM := $(APP)/embedviz
endif

.PHONY: help install run test test-slow bench tour app app-archive format clean

help:
	@echo 'make run         open the window (TEXT=FILE trains on a text of yours)'
	@echo 'make test        what has to pass before a change goes in: style, types, imports, tests'
	@echo 'make test-slow   the tests that take minutes: the installed package, the window for long'
	@echo 'make bench       how fast it is here'
	@echo 'make tour        pictures of the window, saved in OUT ($(OUT))'
	@echo 'make app         build the double-click app in dist/, and let it test itself'
	@echo 'make app-archive pack what make app built'
	@echo 'make format      lay out the code as make test wants it'
	@echo 'make clean       remove what the others made, except .venv'
	@echo 'PYTHON=python3.12 makes .venv with that Python; TORCH_INDEX=URL is where it gets torch from.'

install: $(READY)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo >&2 \
	  "embedviz needs Python 3.11 or newer, which '$(PYTHON)' is not: install one, then 'make $(MAKECMDGOALS) PYTHON=python3.11'."; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo >&2 \
	  "'$(PYTHON)' cannot make virtual environments: on Debian or Ubuntu, 'apt-get install python3-venv' as root."; exit 2; }
	@echo 'Installing into .venv, which takes some minutes the first time ...'
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@$(if $(TORCH_INDEX),$(PIP) install --index-url '$(TORCH_INDEX)' '$(TORCH)')
	@$(PIP) install --editable '.[test,package]'
	@touch $@

run: $(READY)
	@$(BIN)/python -m embedviz $(TEXT)

test: $(READY)
	$(call check,ruff check,$(BIN)/ruff check .)
	$(call check,ruff format,$(BIN)/ruff format --check .)
	$(call check,mypy,$(BIN)/mypy)
	$(call check,lint-imports,$(BIN)/lint-imports)
	@$(PYTEST) --cov --cov-report=
	$(call check,coverage,$(BIN)/coverage report --fail-under=95)

test-slow: $(READY)
	@$(PYTEST) -m slow

bench: $(READY)
	@$(BIN)/python -m tests.benchmarks

tour: $(READY)
	@$(BIN)/python -m embedviz tour --out '$(OUT)'

app: $(READY)
	@mkdir -p build
	@rm -f build/self-test.json
	$(call check,build of the app,$(BIN)/python -m PyInstaller --noconfirm --log-level WARN \
	  --distpath dist --workpath build/app build_app.spec)
	@$(BIN)/python resources/packaging/finish.py $(APP)
	$(call check,self-test of the app,{ '$(PROGRAM)' --self-test --out build/self-test.json \
	  || { cat build/self-test.json; exit 1; }; })

app-archive: $(READY)
	@$(BIN)/python resources/packaging/archive.py $(APP)

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	@rm -rf build dist .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find embedviz tests resources -name __pycache__ -prune -exec rm -rf {} +
