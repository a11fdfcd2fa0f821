# make demo   everything, from a made-up corpus to a prediction (about ten minutes on two cores)
# make test   the tests; make test-all also runs the slow ones; make check runs linter and type checker
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# espeak-ng gives the kitchen a voice; where it cannot be installed, one test says that it was skipped.
SPEECH := command -v espeak-ng || test "$$(id -u)" != 0 || ! command -v apt-get || (apt-get update -qq && apt-get install -qqy espeak-ng)

.PHONY: demo test test-all check

demo: $(INSTALLED)
	$(BIN)/python -m demos.street

test: $(INSTALLED)
	$(BIN)/python -m pytest

test-all: $(INSTALLED)
	$(BIN)/python -m pytest -m "slow or not slow"

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/mypy

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(SPEECH)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[decord,demo,dev,faster-whisper,openvino,pytorchvideo,ray]'
	touch $@
