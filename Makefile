# The verbs. `make run` and `make test` need nothing typed before them.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
BIN := .venv/bin
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' bugwatch/__init__.py)
BUNDLE := bugwatch-$(VERSION)-linux-$(shell uname -m)
PACKED := $(shell find bugwatch web migrations packaging bugwatch.spec -type f -not -name '*.pyc')

.PHONY: help install run dev test check format bench bench-full bench-peers prove build lock clean

help:
	@echo 'make install  fill .venv                         make check   lint, types, import law'
	@echo 'make run      serve on http://127.0.0.1:8470     make bench   how fast is it'
	@echo 'make dev      the same, restarted on change      make prove   the long proofs'
	@echo 'make test     check, then every test             make build   the executable, into dist/'
	@echo 'make format   lay the code out                   make lock    new versions into requirements.lock'
	@echo 'make clean    remove what the verbs made, .venv aside'
	@echo 'make bench-full   on 1,000,000 events too      make bench-peers   how fast beside Bugsink'

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo 'Bugwatch needs Python 3.11 or newer: none was found.' >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

run: install
	@exec $(BIN)/bugwatch serve

dev: install
	@exec $(BIN)/watchfiles '$(BIN)/bugwatch serve' bugwatch web migrations

check: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: install
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The tests run even where the checks failed, so that one look shows everything; either makes the verb fail.
test: install
	@.ci/prepare
	@failed=0; \
	$(MAKE) --no-print-directory check || failed=1; \
	$(BIN)/pytest -n 2 --dist loadgroup --cov -rs || failed=1; \
	exit $$failed

.env.example: bugwatch/config.py .venv/installed
	$(BIN)/bugwatch config --env-example > $@

bench: build
	$(BIN)/python -m tests.bench

bench-full: build
	$(BIN)/python -m tests.bench --full

bench-peers: build
	$(BIN)/python -m tests.bench.peers

prove: install
	$(BIN)/python -m tests.prove

build: dist/bugwatch

# The seed and the dates make the same tree give the same bytes.
dist/bugwatch: $(PACKED) .venv/installed
	rm -rf dist/$(BUNDLE)
	PYTHONHASHSEED=1 SOURCE_DATE_EPOCH=1 $(BIN)/pyinstaller --noconfirm --log-level WARN bugwatch.spec
	cp LICENSE CHANGELOG.md packaging/systemd/bugwatch.service packaging/linux/install.sh dist/$(BUNDLE)/
	tar --create --gzip --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner \
		--directory dist --file dist/$(BUNDLE).tar.gz $(BUNDLE)
	@ls -lh $@ dist/$(BUNDLE).tar.gz

lock: .venv/installed
	CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra dev -o requirements.lock pyproject.toml

clean:
	rm -rf build dist htmlcov .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
