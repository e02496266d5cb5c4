# `make demo` and `make test` do all their own set-up; `make setup` alone does it ahead. Needs python3 (3.11 or newer).
# ARGS goes to the program behind the target: make demo ARGS="--seconds 30 --json", make test ARGS="-k writer".
# What is not asked for (set-up, progress) goes to standard error, so that standard output is the program's alone.

PYTHON ?= python3
ARGS ?=
READY := .venv/.ready

# Where it is set, each of some thousand processes of the tests would compile the same modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo wheel servers test test-quick check judges bench bench-peers documents fuzz soak clean

setup: $(READY)

# Renewed when the dependencies change; otherwise nothing runs.
$(READY): pyproject.toml requirements/service.txt requirements/build.txt requirements/develop.txt
	@PYTHON=$(PYTHON) sh scripts/setup.sh >&2
	@touch $@

demo: $(READY)
	@.venv/bin/borough demo $(ARGS)

# The package for machines without the checkout, in dist/: docs/how-to/install-a-wheel.md.
wheel: $(READY)
	@.venv/bin/python -m hatchling build -t wheel $(ARGS)

# TimescaleDB, Mosquitto and a collector until Ctrl-C, for trying things.
servers: $(READY)
	@.venv/bin/python -m scripts.servers $(ARGS)

# TimescaleDB and Mosquitto first, where their download may take its time. Under CI they must be had; elsewhere the
# tests that need them are skipped with the reason that is printed here. Four processes, a file in one of them, each with
# servers of its own: much of a test with real processes is waiting (ARGS="-n 0 -s" for one process that prints).
test: $(READY)
	@.venv/bin/python -m scripts.parts || test -z "$$CI"
	@.venv/bin/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

# The unit tests at a desk: few random examples, without those marked slow. Needs no server.
test-quick: $(READY)
	@BOROUGH_TEST_QUICK=1 .venv/bin/python -m pytest -n 2 -m "not soak and not slow" tests/unit $(ARGS)

check: $(READY)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	.venv/bin/python -m scripts.lengths
	.venv/bin/python -m scripts.circles

# What others wrote to judge, asked about our real output: docs/reference/judges.md. ARGS="--list", ARGS="--only axe".
judges: $(READY)
	@.venv/bin/python -m tests.judges $(ARGS)

bench: $(READY)
	@.venv/bin/python -m scripts.parts
	@.venv/bin/python -m tests.benchmarks $(ARGS)

# The collector beside Telegraf (where Go is) and a bare client, in turn, five rounds: make bench-peers ARGS=2
bench-peers: $(READY)
	@.venv/bin/python -m scripts.parts
	@.venv/bin/python -m tests.benchmarks.peers $(ARGS)

# The commands of README and docs as they stand there, on a clean clone with real servers; needs root, takes half an hour.
documents: $(READY)
	@.venv/bin/python -m scripts.documented $(ARGS)

# Hostile input through every way in, by chance with a printed seed: make fuzz ARGS="--seed 7 --only messages --scale 0.1"
fuzz: $(READY)
	@.venv/bin/python -m scripts.parts
	@.venv/bin/python -m tests.fuzz $(ARGS)

# The long runs, and after them every random test with sixty times as many examples.
# Status 5 of pytest: there is no such test.
soak: $(READY)
	@.venv/bin/python -m scripts.parts
	@.venv/bin/python -m pytest -m soak --timeout 0 $(ARGS) || test $$? -eq 5
	@BOROUGH_TEST_TIMES=20 .venv/bin/python -m pytest -n 2 -m "hypothesis and not soak" --timeout 0 $(ARGS) || test $$? -eq 5

# The downloaded TimescaleDB and Mosquitto stay in /var/tmp/borough-<uid>: they serve every checkout of this user.
clean:
	rm -rf .venv .borough .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist bench.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
