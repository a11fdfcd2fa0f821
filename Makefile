# make demo   everything, from a made-up corpus to a prediction (about 14 minutes on two cores)
# make page   what it made, as a page to play with in a browser
# make test   the tests (about ten minutes); make test-all also runs the slow ones; make check runs linter and type checker
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# espeak-ng gives the kitchen a voice, chromium looks at the page. Where they cannot be installed, the tests that were skipped say so.
PROGRAMS := espeak-ng chromium
DEBIAN := type $(PROGRAMS) >/dev/null 2>&1 || test "$$(id -u)" != 0 || ! command -v apt-get || \
	(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends $(PROGRAMS)) || \
	echo "not installed: $(PROGRAMS); the tests that want them are skipped"

.PHONY: demo page test test-all check

demo demo/model: | $(INSTALLED)
	$(BIN)/python -m demos.street

page: demo/model
	$(BIN)/python -m demos.page --model demo/model --work demo/work --videos demo/kitchen

test: $(INSTALLED)
	$(BIN)/python -m pytest

test-all: $(INSTALLED)
	$(BIN)/python -m pytest -m "slow or not slow"

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/mypy

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(DEBIAN)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[decord,demo,dev,faster-whisper,meteor,openvino,pytorchvideo,ray]'
	touch $@
