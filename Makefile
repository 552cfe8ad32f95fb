# What can be done here. `make call` and `make test` need CPython 3.11 or newer and nothing else;
# the first of them sets up `.venv`, later ones find it ready.

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?=

KINDS := providers tts_backends stt_backends responders sinks exposure
MEMBERS := $(foreach kind,$(KINDS),$(wildcard $(kind)/*/pyproject.toml)) \
           $(wildcard conformance/pyproject.toml)
TESTS ?=
ROUNDS ?=
# Many tests wait for calls more than they compute.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
READY := $(BIN)/.voicecall-ready

# A machine behind a company proxy keeps that proxy's certificate in its own store.
export UV_SYSTEM_CERTS ?= 1

.PHONY: help setup call test check conformance mutants crash chaos soak full test-proxies live \
        openclaw bench docs wheels constraints

help: ## what you see here
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: $(READY) ## .venv with the kernel, every plugin and the tools; the command is .venv/bin/voicecall

$(READY): pyproject.toml constraints.txt $(MEMBERS)
	@[ -x $(BIN)/pip ] || { \
	  for python in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11; do \
	    "$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	      && exec "$$python" -m venv --clear $(VENV); \
	  done; \
	  echo "make: no CPython 3.11 or newer with its venv module was found;" \
	       "install one (Debian: apt-get install python3-venv) or name it: make PYTHON=..." >&2; \
	  exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt uv hatchling editables
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt \
	  --no-build-isolation --group dev -e . $(addprefix -e ./,$(dir $(MEMBERS)))
	@touch $@

call: $(READY) ## one simulated phone call, heard and written down
	@$(BIN)/voicecall --config examples/first_call.json5 call --to +15550002222 \
	  --message "Hello, this is voicecall. How are you today?" --mode conversation

test: $(READY) ## every test, in its short form
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(TESTS)

check: $(READY) ## style, types, and imports that point down only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

conformance: $(READY) ## the shared suites against every carrier, speech backend and responder
	@for each in $$($(BIN)/voicecall conformance --list); do \
	  $(BIN)/voicecall conformance $$each || exit 1; \
	done

mutants: $(READY) ## every seeded fault in each of them against its whole suite
	VOICECALL_FULL=1 $(BIN)/pytest -m mutants
	@for each in $$($(BIN)/voicecall conformance --list | grep -vx mock); do \
	  $(BIN)/voicecall conformance $$each --mutants || exit 1; \
	done

crash: $(READY) ## kill -9 in the middle of live calls, two hundred rounds (ROUNDS=n)
	VOICECALL_FULL=1 VOICECALL_ROUNDS=$(ROUNDS) $(BIN)/pytest -m crash

chaos: $(READY) ## storms between carriers and us, twenty-five for each (ROUNDS=n)
	VOICECALL_FULL=1 VOICECALL_ROUNDS=$(ROUNDS) $(BIN)/pytest -rP -m chaos

soak: $(READY) ## many calls for long, watching memory, tasks and files
	VOICECALL_FULL=1 $(BIN)/pytest -rP -m soak

full: $(READY) ## the other long forms: conversations, lifecycles of calls, dials that nobody knows of
	VOICECALL_FULL=1 $(BIN)/pytest -n $(WORKERS) tests/e2e/speech/test_conversations.py \
	  tests/e2e/test_lifecycles.py tests/e2e/processes/test_unknown_dials.py

test-proxies: $(READY) ## calls through a real nginx and a real Caddy on this machine
	@PATH=$$PATH:/usr/sbin; for each in nginx caddy; do \
	  command -v $$each > /dev/null || missing="$$missing $$each"; \
	done; \
	[ -z "$$missing" ] || { \
	  echo "make: not on this machine:$$missing; Debian: apt-get install$$missing" >&2; exit 1; }
	$(BIN)/pytest -n auto --dist worksteal -m proxies tests/proxies

live: $(READY) ## our plugins against the real vendors whose keys stand in the environment; costs cents
	$(BIN)/pytest -m live tests/live

openclaw: $(READY) ## the real OpenClaw clients from the npm registry against our gateway
	@$(BIN)/python tests/openclaw/run.py

bench: $(READY) ## what a call costs, and how fast commands start
	@$(BIN)/python -m bench

docs: $(READY) ## the generated pages anew, then every snippet, example and table checked
	@for each in docs/generate_*.py; do $(BIN)/python $$each || exit 1; done
	$(BIN)/pytest tests/docs

wheels: $(READY) ## one wheel and one source archive a package, in dist/
	$(BIN)/uv build --quiet --all-packages --no-build-isolation --python $(BIN)/python --out-dir dist

constraints: $(READY) ## constraints.txt anew, for every Python and platform
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
	  --no-annotate --all-extras --group dev --custom-compile-command "make constraints" \
	  --output-file $(VENV)/constraints.txt pyproject.toml $(MEMBERS)
	@sed '/^-e /d' $(VENV)/constraints.txt > constraints.txt
	@rm $(VENV)/constraints.txt
