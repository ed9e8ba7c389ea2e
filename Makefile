# Everything a developer does here. `make help` lists it.

PYTHON ?= python3
BIN := .venv/bin
ENGINE := $(PYTHON) -m engine
# Where `make image` pushes the frontend: a name in the engine's registry.
IMAGE ?= hutch:dev
# Opens a quoted command that finds the frontend's full name in HUTCH_FRONTEND.
WITH_IMAGE = $(ENGINE) run -- sh -c 'HUTCH_FRONTEND="$$HUTCH_REGISTRY/$(IMAGE)" exec

# How many tests `make integration` runs at a time: each waits for the daemon, a boot or the network
# half of its time.
WORKERS ?= $(shell expr 1 + $$(nproc))

# How long `make fuzz-init` runs, in seconds.
FUZZ_SECONDS ?= 60

# Where the tools of `make docs` are.
SITE := build/docs/venv

# Where it is set, each of the many processes of the tests compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup packages demo test unit fuzz fuzz-init integration urunc lint gen docs recordings \
        image bench sizes lock engine-up engine-down clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: packages .venv/.done ## make .venv from the lock, and install the Debian packages that tests need

packages:
	@PYTHON="$(PYTHON)" .ci/packages

.venv/.done: requirements/dev.txt pyproject.toml | packages
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --no-build-isolation --editable .
	@touch $@

demo: setup engine-up image ## build, push and boot an example, and say what happens
	$(WITH_IMAGE) $(BIN)/python -m engine.demo'

test: unit integration ## all tests; needs root on Debian, or a Docker that runs

unit: setup ## the tests that need nothing
	$(BIN)/pytest -n auto --dist loadfile tests/unit tests/errors

fuzz: setup ## inputs that nobody wrote, till you stop it; each fault once, with its seed
	$(BIN)/python -m tests.fuzz

integration: setup engine-up image ## the tests that need a BuildKit; the engine stays up afterwards
	$(WITH_IMAGE) $(BIN)/pytest -m integration -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
	  tests/integration'

urunc: setup engine-up image ## the tests that need a real urunc: HUTCH_URUNC=/path/to/urunc
	@mkdir -p build/urunc
	$(WITH_IMAGE) $(BIN)/pytest -m urunc -o junit_family=xunit1 --junitxml=build/urunc/last.xml \
	  tests/integration/test_urunc.py'
	test -z "$$HUTCH_URUNC" || $(BIN)/python -m tests.integration.harness.urunctable build/urunc/last.xml

INIT_PARTS := config args environment fstype accounts volumes bsd_disk bsd_net

# What is read is kept until the machine ends: nothing is freed, so nothing leaks.
fuzz-init: ## the guests' parsers under libFuzzer (Debian's clang), for FUZZ_SECONDS
	@command -v clang >/dev/null || { echo "apt-get install clang" >&2; exit 1; }
	@mkdir -p build/fuzz-init/corpus
	clang -std=gnu11 -O1 -g -Wall -Wextra -Iframeworks/init -D_GNU_SOURCE \
	  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o build/fuzz-init/fuzz \
	  tests/unit/frameworks/init/fuzz.c tests/unit/frameworks/init/bsd_nothing.c \
	  $(INIT_PARTS:%=frameworks/init/%.c)
	cd build/fuzz-init && ASAN_OPTIONS=detect_leaks=0 ./fuzz -print_final_stats=1 \
	  -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -timeout=5 corpus ../../tests/unit/frameworks/init/seeds

lint: setup ## what must hold before a commit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@rm -rf build/generated && mkdir -p build/generated && cp llb/pb/*_pb2.py* build/generated
	$(BIN)/python -m llb.pb.gen
	@for file in llb/pb/*_pb2.py*; do cmp "$$file" "build/generated/$${file##*/}" || exit 1; done
	$(BIN)/shellcheck .ci/run .ci/packages .ci/tags
	$(BIN)/actionlint -shellcheck=$(BIN)/shellcheck -pyflakes=
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci \
	  examples/ci/gitlab-ci.yml

gen: setup ## generate the code of the wire messages, the pages of keys and verbs, and lists
	$(BIN)/python -m llb.pb.gen
	$(BIN)/python -m frontend.bunnyfile.reference
	$(BIN)/python -m frontend.cli.reference
	$(BIN)/python -m frontend.cli.wholefile
	$(BIN)/python -m docs.site.examples

docs: setup $(SITE)/.done ## the documentation as a site, in build/docs/site; needs Graphviz
	@command -v dot >/dev/null || { echo "apt-get install graphviz" >&2; exit 1; }
	$(BIN)/python -m docs.site.graphs
	$(SITE)/bin/mkdocs build --quiet --strict

recordings: setup engine-up image $(SITE)/.done ## record commands for the documentation, in docs/pictures
	$(WITH_IMAGE) $(SITE)/bin/python -m docs.site.recordings $(RECORDED)'

# The site's own tools are many and heavy: they have a lock and an environment of their own.
$(SITE)/.done: docs/site/requirements.txt
	@test -x $(SITE)/bin/python || $(PYTHON) -m venv $(SITE)
	@$(SITE)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r docs/site/requirements.txt
	@touch $@

# The secret is this machine's certificate bundle: the image is built on it, but never holds it.
image: ## build the frontend image and push it to the engine's registry
	$(ENGINE) run -- sh -c 'exec docker buildx build --provenance=false \
	  $${HUTCH_CA_BUNDLE:+--secret "id=ca,src=$$HUTCH_CA_BUNDLE"} \
	  --tag "$$HUTCH_REGISTRY/$(IMAGE)" --push .'

bench: setup engine-up image ## measure builds, start-up, size, kernels; writes build/bench.json and docs/performance.md
	$(WITH_IMAGE) $(BIN)/python -m bench --kernels --image $(IMAGE)'

sizes: setup engine-up image ## weigh the images of docs/applications.md beside containers; writes its table
	$(WITH_IMAGE) $(BIN)/python -m bench.sizes --image $(IMAGE)'

engine-up: ## find or provide a BuildKit and a registry
	$(ENGINE) up

engine-down: ## end what engine-up started; images and caches stay
	$(ENGINE) down

COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
           --generate-hashes --no-emit-index-url --no-header pyproject.toml

lock: setup ## refresh the locked requirements
	$(COMPILE) --output-file requirements/runtime.txt
	$(COMPILE) --all-extras --group dev --output-file requirements/dev.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header docs/site/requirements.in --output-file docs/site/requirements.txt

clean: ## remove what was built here
	rm -rf build dist out
