# One line a verb. `make run` and `make test` need only Python 3.11 or newer and a package index.
PYTHON ?= python3
export UV_SYSTEM_CERTS = 1
export SAM_CLI_TELEMETRY = 0
# Many containers set it; every one of the hundreds of processes of `make test` would compile again.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
UV := .tools/uv/bin/uv
SAM := .tools/sam/bin/sam
MERMAID := 11.17.2
PIN = $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock"
LINTED := layers batch-local local cli functions worker tests verification benchmarks examples

.DEFAULT_GOAL := help
.PHONY: help run unit test check verify-simulation verify-crashes verify-faults verify-clients verify-parts verify-mutation verify-planted verify-permissions verify-scale verify-release report-examples bench bench-peers audit docs build release-notes lock clean
help:                     ## list the verbs
	@sed -n 's/^\([a-z-]*\):[^#]*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

run: .venv/ready          ## run the word-count example on the local cloud
	@$(BIN)/batchrelay run examples/word-count/pipeline.yaml --param source=examples/word-count/texts

unit: .venv/ready         ## the unit tests: no cloud, no socket, half a minute
	@$(BIN)/pytest tests/unit batch-local/tests -m "not cloud" -n auto --maxprocesses 4 --dist worksteal

test: .venv/ready         ## every test, the simulation in its short form
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

check: .venv/ready .tools/sam/ready ## format, lint, types, import contracts, template
	@$(BIN)/ruff format --check $(wildcard $(LINTED)) && $(BIN)/ruff check $(wildcard $(LINTED))
	@$(BIN)/mypy && $(BIN)/lint-imports --no-cache
	@$(BIN)/vermin -q -t=3.8- --violations --no-tips worker/batchrelay_worker
	@$(SAM) validate --lint && .tools/sam/bin/cfn-lint -- quickstart/template.yaml

verify-simulation: .venv/ready ## the long simulation: RUNS=10000 SEED=1
	@$(BIN)/python -m verification.simulation --runs $(or $(RUNS),10000) --seed $(or $(SEED),1)

verify-crashes: .venv/ready ## kill the real handlers before and after every AWS call, half an hour: SCENARIO=CANARY
	@$(BIN)/python -m verification.crash_matrix $(if $(SCENARIO),--scenario $(SCENARIO))

verify-faults: .venv/ready ## the examples under fault injection, half an hour: SEEDS=200 SEED=1
	@$(BIN)/python -m verification.fault_injection --seeds $(or $(SEEDS),200) --seed $(or $(SEED),1)

verify-clients: .venv/ready ## eleven other clients of AWS Batch, from the package index, ten minutes: CLIENT=luigi KEEP=1
	@KEEP=$(KEEP) verification/clients/run.sh $(CLIENT)

verify-parts: .venv/ready ## 25,000 real processes in three parts, some of which fail, a minute
	@$(BIN)/pytest -m long

verify-mutation: .venv/ready ## mutate the core and the worker: SAMPLE=200 SEED=1 MODULE=domain/run_queue.py AGAIN=1
	@$(BIN)/python -m verification.mutation --sample $(or $(SAMPLE),0) --seed $(or $(SEED),1) --module "$(MODULE)" $(if $(AGAIN),--again)

verify-planted: .venv/ready ## plant every listed bug and show that a test dies of it: BUG=canary
	@$(BIN)/python -m verification.mutation.plant --bug "$(BUG)"

verify-permissions: .venv/ready ## record the functions' AWS calls in tests and examples again, half an hour, and write the table
	@$(BIN)/python -m verification.permissions

report-examples: .venv/ready ## make the docs' examples of reports again, and their pictures (minutes)
	@$(BIN)/python -m verification.report

bench: .venv/ready        ## speed as ratios, half an hour: ONLY=chain; KEEP=1 writes the page; QUICK=1 compares with it
	@$(BIN)/python -m benchmarks --only "$(ONLY)" $(if $(KEEP),--keep) $(if $(QUICK),--quick)

bench-peers: .venv/ready  ## doit, Luigi, redun, Snakemake, Prefect, Dagster, Metaflow beside ours, 25 minutes: ONLY=doit WORK=chain ROUNDS=3 QUICK=1
	@$(BIN)/python -m benchmarks.peers $(if $(ONLY),--only "$(ONLY)") $(if $(WORK),--work $(WORK)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick)

audit: .venv/ready .tools/audit/ready .tools/docs/ready .tools/sam/ready .tools/twine/ready ## hashes, licences, template scanners, known vulnerabilities
	@$(BIN)/python -m verification.audit

docs: .tools/docs/ready    ## build the site of docs/ into dist/site, every link checked
	@log=$$(NO_MKDOCS_2_WARNING=1 .tools/docs/bin/mkdocs build --strict --clean 2>&1) || { echo "$$log"; exit 1; }; echo dist/site/index.html

build: .tools/sam/ready   ## sam build, for AWS
	@UV=$(CURDIR)/$(UV) $(SAM) build

verify-scale: .venv/ready ## many runs beside each other against AWS's quotas, on virtual time, a minute
	@$(BIN)/python -m verification.scale

verify-release: .venv/ready .tools/twine/ready ## after `make build`: run an example on the built stack, check sizes and distributions
	@$(BIN)/python -m verification.release

release-notes: .venv/ready ## print what the CHANGELOG says of a version: VERSION=0.1.0
	@$(BIN)/python -m verification.release.notes "$(VERSION)"

lock: .tools/uv/ready     ## resolve the pinned versions again
	$(PIN) pyproject.toml --extra local --extra mcp --group dev --no-emit-package batch-local -o locks/dev.lock
	$(PIN) layers/core/requirements.in -o layers/core/requirements.txt
	$(PIN) locks/sam.in -o locks/sam.lock
	$(PIN) locks/audit.in -o locks/audit.lock
	$(PIN) locks/docs.in -o locks/docs.lock
	$(PIN) locks/twine.in -o locks/twine.lock
	$(PIN) locks/uv.in -o locks/uv.lock
	for peer in $(basename $(notdir $(wildcard locks/peers/*.in))); do $(PIN) locks/peers/$$peer.in -o locks/peers/$$peer.lock || exit; done

clean:                    ## remove everything that was made
	rm -rf .venv .tools .aws-sam build dist
	find . -name __pycache__ -prune -exec rm -rf {} +

.tools/uv/ready: locks/uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "batchrelay needs Python 3.11 or newer: say which with 'make PYTHON=/path/to/python3.11 …'"; exit 1; }
	@$(PYTHON) -m venv --clear $(@D) && $(@D)/bin/pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/ready: locks/dev.lock pyproject.toml worker/batchrelay_worker/__init__.py batch-local/pyproject.toml batch-local/batch_local/__init__.py .tools/uv/ready
	@$(UV) venv -q --clear --python $(PYTHON) .venv
	@$(UV) pip sync -q --python $(BIN)/python --compile-bytecode --require-hashes locks/dev.lock
	@$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e batch-local -e .
	@touch $@

.tools/sam/ready: locks/sam.lock .tools/uv/ready
	@$(UV) venv -q --clear --python $(PYTHON) $(@D)
	@$(UV) pip sync -q --python $(@D)/bin/python --compile-bytecode --require-hashes $<
	@touch $@

.tools/audit/ready: locks/audit.lock .tools/uv/ready
	@$(UV) venv -q --clear --python $(PYTHON) $(@D)
	@$(UV) pip sync -q --python $(@D)/bin/python --compile-bytecode --require-hashes $<
	@touch $@

.tools/twine/ready: locks/twine.lock .tools/uv/ready
	@$(UV) venv -q --clear --python $(PYTHON) $(@D)
	@$(UV) pip sync -q --python $(@D)/bin/python --compile-bytecode --require-hashes $<
	@touch $@

# The theme loads mermaid from a CDN unless the site has a copy; npm fetches one, checked by its hash.
.tools/docs/ready: locks/docs.lock locks/mermaid.sha256 .tools/uv/ready
	@$(UV) venv -q --clear --python $(PYTHON) $(@D)
	@$(UV) pip sync -q --python $(@D)/bin/python --compile-bytecode --require-hashes $<
	@command -v npm >/dev/null || { echo "no npm: the diagrams of the site load mermaid from unpkg.com"; touch $@; exit 0; }; \
	cd $(@D) && npm pack -s mermaid@$(MERMAID) >/dev/null && sha256sum -c --quiet ../../locks/mermaid.sha256 && \
	tar xzf mermaid-$(MERMAID).tgz package/dist/mermaid.min.js package/LICENSE && rm mermaid-$(MERMAID).tgz && touch ready
