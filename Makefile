# `make demo` and `make test` need Python 3.11 or newer and make; they install the rest into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo check test lint unit faults docs figures study assets models clean

demo: .venv/installed
	$(BIN)/python scripts/demo.py demo

# For use while working: below two minutes.
check: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q -m "not slow"

test: lint unit

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Two processes of one thread each: with more threads they would wait for each other.
unit: .venv/dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --cov --cov-report=term

# Let every call of every command to the system fail once, and the power at every moment: more than an hour. `make test`
# tries a sample.
faults: .venv/dev
	IMGXLATE_EVERY_FAULT=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q -o faulthandler_timeout=0 tests/faults

# The generated pages of docs/.
docs: .venv/dev
	$(BIN)/python -m typer imgxlate.cli.app utils docs --name imgxlate --output docs/cli.md

# Draw the figures of README and docs, and the sample images of the models' pages, from the committed inputs.
figures: .venv/installed
	$(BIN)/python scripts/make_figures.py
	$(BIN)/python scripts/make_card_images.py

# The images and the tables of docs/study.md.
study: .venv/installed
	$(BIN)/python scripts/study.py

# Make the VGG-19 weights, the style images, the outlines and the masks of the repository from their sources.
assets: .venv/dev
	$(BIN)/python scripts/repack_vgg19.py
	$(BIN)/python scripts/draw_styles.py examples/styles
	$(BIN)/python scripts/draw_outlines.py examples/outlines
	$(BIN)/python scripts/draw_masks.py examples/masks

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

.venv/dev: .venv/installed
	$(PIP) -e '.[dev]'
	touch $@

# The translation models that ship with the package, from the recipes: hours on two cores. MOUNTAINS and SEASONS are
# folders with trainA (summer) and trainB (winter), MONET one with trainA (paintings) and trainB (photos), OPENMOJI one
# that scripts/openmoji.py made.
models: .venv/dev
	$(BIN)/python scripts/make_models.py --mountains "$(MOUNTAINS)" --seasons "$(SEASONS)" \
		--monet "$(MONET)" --openmoji "$(OPENMOJI)"

clean:
	rm -rf .venv demo build dist
