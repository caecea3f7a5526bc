# The two commands for a newcomer are `make run` and `make test`; each does all the set-up it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
PROJECTS := pyproject.toml $(PLUGINS:%=%/pyproject.toml)
DEV_TOOLS := flask flask-cors hypothesis import-linter jsonschema 'moto[s3]' mypy pytest \
  pytest-randomly pytest-xdist ruff selenium types-PyYAML types-jsonschema
PIP := $(BIN)/pip --disable-pip-version-check install --quiet -c constraints.txt
STATE := .rynxs
GO ?= go
TOOLS := .tools
KUBERNETES := $(TOOLS)/kube-apiserver $(TOOLS)/kube-controller-manager $(TOOLS)/kube-scheduler $(TOOLS)/kubectl
CLUSTER := $(TOOLS)/etcd $(KUBERNETES) $(TOOLS)/kwok
# Without Go, S3 is not measured, and said so.
BENCH_TOOLS := $(if $(shell command -v $(GO)),$(TOOLS)/versitygw)

.PHONY: help run test e2e cluster lint format crds bench bench-quick clean

help: ## Show the targets.
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  \1\t/' | expand -t 16

run: $(VENV)/.installed ## Run the main job on an example: log, manifests, checkpoint, verification.
	@test -f $(STATE)/signing.key || \
	  { rm -rf $(STATE); mkdir $(STATE); $(BIN)/rynxs keys generate $(STATE)/signing.key >/dev/null; }
	$(BIN)/rynxs run examples/agent-basic.yaml --log file:$(STATE)/log --signer ed25519:$(STATE)/signing.key -o yaml
	$(BIN)/rynxs run examples/agent-basic.yaml --log file:$(STATE)/log --signer ed25519:$(STATE)/signing.key
	$(BIN)/rynxs log verify --log file:$(STATE)/log --key $(STATE)/signing.key.pub
	$(BIN)/rynxs replay --log file:$(STATE)/log --check
	$(BIN)/rynxs checkpoint verify --log file:$(STATE)/log --key $(STATE)/signing.key.pub

test: $(VENV)/.developing ## Run all fast, hermetic tests.
	$(BIN)/pytest --numprocesses=auto

e2e: $(VENV)/.developing $(TOOLS)/minio $(TOOLS)/mc $(TOOLS)/versitygw $(TOOLS)/interop $(CLUSTER) ## Test against real servers and other tools, built on first use.
	$(BIN)/pytest tests/e2e --numprocesses=auto
	RYNXS_KILLS=100 $(BIN)/pytest plugins/*/tests/test_*_kill.py --numprocesses=auto

cluster: $(VENV)/.developing $(CLUSTER) ## Run a Kubernetes cluster with a fake node, by hand, until Ctrl-C.
	$(BIN)/python -m tests.cluster

lint: $(VENV)/.developing ## Check style, types and the architecture's import rules.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	for plugin in $(PLUGINS); do $(BIN)/mypy $$plugin/tests/*.py || exit 1; done
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.developing ## Format the code.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

crds: $(VENV)/.installed ## Generate crds/ and docs/API.md from the plugins' models.
	$(BIN)/rynxs crds generate crds
	$(BIN)/rynxs crds docs > docs/API.md

bench: $(VENV)/.developing $(BENCH_TOOLS) ## Measure, as ratios to bare limits; writes benchmarks/results.json.
	$(BIN)/python -m benchmarks

bench-quick: $(VENV)/.developing $(BENCH_TOOLS) ## The same rows at small sizes, in about a minute.
	$(BIN)/python -m benchmarks --quick

clean: ## Remove everything that is generated.
	rm -rf $(VENV) $(STATE) $(TOOLS) benchmarks/results.json
	find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "rynxs needs Python 3.11 or later; set one with: make PYTHON=python3.13 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "Python's venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created $(PROJECTS) constraints.txt
	$(PIP) hatchling editables
	$(PIP) --no-build-isolation -e '.[operator]' $(PLUGINS:%=-e %)
	@touch $@

$(VENV)/.developing: $(VENV)/.installed
	$(PIP) $(DEV_TOOLS)
	@touch $@

$(TOOLS)/minio $(TOOLS)/mc: MODULE := tests/tools/minio
$(TOOLS)/minio: PACKAGE := github.com/minio/minio
$(TOOLS)/mc: PACKAGE := github.com/minio/mc
$(TOOLS)/minio $(TOOLS)/mc: tests/tools/minio/go.mod tests/tools/minio/go.sum
$(TOOLS)/versitygw: MODULE := tests/tools/versitygw
$(TOOLS)/versitygw: PACKAGE := github.com/versity/versitygw/cmd/versitygw
$(TOOLS)/versitygw: tests/tools/versitygw/go.mod tests/tools/versitygw/go.sum
$(TOOLS)/etcd: MODULE := tests/tools/etcd
$(TOOLS)/etcd: PACKAGE := go.etcd.io/etcd/server/v3
$(TOOLS)/etcd: tests/tools/etcd/go.mod tests/tools/etcd/go.sum
$(KUBERNETES): MODULE := tests/tools/kubernetes
$(KUBERNETES): PACKAGE = k8s.io/kubernetes/cmd/$(@F)
# Not told its version, a program of Kubernetes gives one that no client can parse.
$(KUBERNETES): STAMP = -X k8s.io/component-base/version.gitVersion=$$($(GO) list -m -f '{{.Version}}' k8s.io/kubernetes)
$(KUBERNETES): tests/tools/kubernetes/go.mod tests/tools/kubernetes/go.sum
$(TOOLS)/kwok: MODULE := tests/tools/kwok
$(TOOLS)/kwok: PACKAGE := sigs.k8s.io/kwok/cmd/kwok
$(TOOLS)/kwok: tests/tools/kwok/go.mod tests/tools/kwok/go.sum
$(TOOLS)/interop: MODULE := tests/interop
$(TOOLS)/interop: PACKAGE := .
$(TOOLS)/interop: tests/interop/go.mod tests/interop/go.sum $(wildcard tests/interop/*.go)

$(TOOLS)/%:
	@cd $(MODULE) && $(GO) list -m >/dev/null || \
	  { echo "Go 1.26 or later is needed to build $* for make e2e, make bench and make cluster; see https://go.dev/dl" >&2; exit 1; }
	@mkdir -p $(@D)
	cd $(MODULE) && $(GO) build -trimpath -ldflags "-s -w $(STAMP)" -o $(CURDIR)/$@ $(PACKAGE)
