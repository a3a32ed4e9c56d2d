# Everything starts here. Each target sets up .venv first, when it is missing or older than what it is made from.
PYTHON ?= python3
VENV   := .venv
READY  := $(VENV)/.ready
COURSE := $(VENV)/bin/course
# The class that `make grade` makes up and grades.
STUDENTS ?= 10
CHAPTERS ?= ch00_welcome ch01_conv1d ch02_conv2d

.DEFAULT_GOAL := help
.PHONY: help grade test quick lab build system

help:  ## show this list
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z]*\): .*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 10

grade: $(READY)  ## build the course, make up a class, grade it, show the marks
	$(COURSE) build
	$(COURSE) example-class --students $(STUDENTS) $(CHAPTERS)
	$(COURSE) grade $(CHAPTERS)
	@echo
	@echo "Open a feedback page in a browser, for example:"
	@ls feedback/*/*/*.html | head -n 3 | sed 's/^/  /'
	@echo "Next: make lab, then the menu Nbgrader > Formgrader, to mark the written answers by hand."

test: $(READY) system  ## run all tests, as CI does
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/pytest -n auto

quick: $(READY)  ## run the tests that take seconds
	$(VENV)/bin/pytest -n auto -m "not slow"

lab: $(READY)  ## open the course in JupyterLab
	$(VENV)/bin/jupyter lab --notebook-dir=. $(if $(filter 0,$(shell id -u)),--allow-root)

build: $(READY)  ## make source/, release/ and solutions/ from the chapters
	$(COURSE) build

# What the tests need of the system: a browser that reads the notebooks, and a PostgreSQL server of their own.
system:
	@missing=; \
	command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$$missing chromium"; \
	command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing for the tests:$$missing ..."; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null; \
	else \
	  echo "The tests need$$missing: install them (on Debian: sudo apt-get install$$missing)" >&2; exit 1; \
	fi

$(READY): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found: install Python 3.11 or newer, or run make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1); the course needs Python 3.11 or newer: run make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) can't make virtual environments: install its venv package (on Debian: sudo apt-get install python3-venv)" >&2; exit 1; }
	@echo "Setting up $(VENV) from requirements.txt (a few minutes the first time) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
