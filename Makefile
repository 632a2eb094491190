# The first Python found; name another with: make setup PYTHON=/path/to/python3
PYTHON ?= $(firstword $(foreach name,python3.11 python3,$(shell command -v $(name) 2>/dev/null)) python3)
BIN := .venv/bin
READY := .venv/.set-up
TALKING_HEAD := data/built/talking-head/talking-head.mp4
DIALOGUE := data/built/dialogue-en/dialogue-en.mp4

.DEFAULT_GOAL := help
.PHONY: help setup setup-languages demo samples test lint format eval guard lab app clean clean-env

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile | expand -t 24

setup:  ## make or complete the environment in .venv; fast where nothing changed
	$(PYTHON) scripts/set_up.py

setup-languages:  ## install the rule-based translation pairs (Debian packages; as root)
	$(PYTHON) scripts/set_up.py --languages

# A target of its own, so that the commands below set up only when what the environment was made from has changed.
$(READY): pyproject.toml constraints-cpu.txt requirements-packaged.txt scripts/set_up.py scripts/mend_torchaudio.py
	$(PYTHON) scripts/set_up.py

demo: $(READY) $(TALKING_HEAD)  ## dub a real talking video into Portuguese
	$(BIN)/python scripts/demo.py $(TALKING_HEAD)

$(TALKING_HEAD): | $(READY)
	$(BIN)/python data/build.py talking-head

$(DIALOGUE): | $(READY)
	$(BIN)/python data/build.py dialogue-en

samples: $(READY)  ## build every sample video in data/built
	$(BIN)/python data/build.py

test: lint  ## lint, type checks and tests
	$(BIN)/python -m pytest

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

EVALUATED := out/evaluation
SUITES := dialogues english-speech prompts speakers

# About an hour on two cores; what is in the store is not done again.
eval: $(READY)  ## evaluate the embedded profile on all suites; report and published tables
	for suite in $(SUITES); do $(BIN)/python -m evaluation run $$suite || exit 1; done
	$(BIN)/python -m evaluation run dialogues --oracles
	$(BIN)/python -m evaluation report $(SUITES:%=$(EVALUATED)/%/embedded) $(EVALUATED)/dialogues/embedded_true*
	$(BIN)/python -m evaluation damage --publish
	$(BIN)/python -m evaluation publish $(SUITES:%=$(EVALUATED)/%/embedded) $(EVALUATED)/dialogues/embedded_true*

guard: $(READY)  ## run the small suite, and fail where a score has fallen
	$(BIN)/python -m evaluation guard

# Jupyter refuses to run as root unless told that it is meant, as it is in a container.
lab: $(READY) $(TALKING_HEAD) $(DIALOGUE)  ## JupyterLab on the notebooks, with the films that they look at
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks/quickstart.ipynb

app: $(READY) $(TALKING_HEAD) $(DIALOGUE)  ## the web page, and the service behind it
	$(BIN)/python app.py

clean:  ## remove what was built and cached; the environment and the models stay
	rm -rf build dist out data/built .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

clean-env:  ## remove the environment, to make it anew
	rm -rf .venv
