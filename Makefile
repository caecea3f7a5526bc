# The two commands for a newcomer are `make run` and `make test`; each does all the set-up it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
PROJECTS := pyproject.toml $(PLUGINS:%=%/pyproject.toml) agent/pyproject.toml
TEST_TOOLS := flask flask-cors hypothesis jsonschema 'moto[s3]' opentelemetry-sdk pytest pytest-randomly pytest-xdist
DEV_TOOLS := import-linter mkdocs-material mypy ruff selenium types-PyYAML types-jsonschema
PEERS := eventsourcing pymerkle
PIP := $(BIN)/pip --disable-pip-version-check install --quiet --no-compile -c constraints.txt
STATE := .rynxs
FUZZ := .fuzz
SECONDS ?= 60
SEED ?= 0
RUNS ?= 1000
GO ?= go
TOOLS := .tools
KUBERNETES := $(TOOLS)/kube-apiserver $(TOOLS)/kube-controller-manager $(TOOLS)/kube-scheduler $(TOOLS)/kubectl
CLUSTER := $(TOOLS)/etcd $(KUBERNETES) $(TOOLS)/kwok
HELM := $(TOOLS)/helm $(TOOLS)/helm-unittest
KUBERNETES_NODE := $(TOOLS)/kubelet $(TOOLS)/kube-proxy
CONTAINERD := $(TOOLS)/containerd $(TOOLS)/containerd-shim-runc-v2 $(TOOLS)/ctr
CNI := $(TOOLS)/cni/ptp $(TOOLS)/cni/host-local $(TOOLS)/cni/loopback
NODE := $(KUBERNETES_NODE) $(CONTAINERD) $(TOOLS)/runc $(CNI) $(TOOLS)/coredns $(TOOLS)/probe
# They share the one real node of a machine, so they run one after the other.
REAL := $(wildcard tests/e2e/test_real_*.py)
# Without Go, S3 is not measured, and said so.
BENCH_TOOLS := $(if $(shell command -v $(GO)),$(TOOLS)/versitygw)

# Tests start Python by the hundred: what is imported is to be compiled once, then.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test e2e simulate mutants fuzz strace real-pods cluster real-cluster lint format crds bench bench-cluster bench-curves bench-quick clean

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

test: $(VENV)/.testing ## Run all fast, hermetic tests.
	$(BIN)/pytest --numprocesses=auto

e2e: $(VENV)/.developing $(TOOLS)/minio $(TOOLS)/mc $(TOOLS)/versitygw $(TOOLS)/promtool $(TOOLS)/interop $(CLUSTER) $(NODE) $(HELM) ## Test against real servers, pods and other tools, built on first use; pods as root.
	$(BIN)/pytest tests/e2e tests/authors --numprocesses=auto $(REAL:%=--ignore=%)
	$(BIN)/pytest $(REAL)
	RYNXS_EXAMPLES=200 $(BIN)/pytest -m 'slow or hypothesis' --numprocesses=auto
	RYNXS_KILLS=100 $(BIN)/pytest plugins/*/tests/test_*_kill.py --numprocesses=auto
	RYNXS_FAILING_USES=500 RYNXS_PROCESSES=20 $(BIN)/pytest --numprocesses=auto \
	  plugins/sink_*/tests/test_*_conformance.py tests/integration/test_reproducible.py

simulate: $(VENV)/.developing ## Run replicas in simulated worlds, RUNS=1000 from SEED=0 on, each with faults of its own.
	$(BIN)/python -m rynxs.simulation --seed $(SEED) --runs $(RUNS)

mutants: $(VENV)/.developing ## Put faults into a copy of the code, one after the other, and see a test fail of each.
	$(BIN)/python -m tests.mutants

fuzz: $(VENV)/.developing ## Feed whatever reads bytes with hostile ones, each for SECONDS=60; atheris, on Linux.
	@$(PIP) --only-binary=atheris atheris || echo "atheris can't be installed here; what follows does without it" >&2
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

strace: $(VENV)/.developing ## Let every system call of the sinks on a file system fail, and kill at each; needs strace.
	$(BIN)/python -m tests.strace

cluster: $(VENV)/.developing $(CLUSTER) ## Run a Kubernetes cluster with a fake node, by hand, until Ctrl-C.
	$(BIN)/python -m tests.cluster

real-pods: $(VENV)/.developing $(CLUSTER) $(NODE) $(HELM) $(TOOLS)/minio ## Test in pods whose containers run; as root, on Linux.
	$(BIN)/pytest $(REAL)

real-cluster: $(VENV)/.developing $(CLUSTER) $(NODE) $(TOOLS)/helm ## Run a cluster with a real node that has the images, by hand, as root, until Ctrl-C.
	$(BIN)/python -m tests.cluster --nodes=0 --real-node --images

lint: $(VENV)/.developing ## Check style, types, the architecture's import rules and the documentation's site.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	for distribution in $(PLUGINS) agent; do $(BIN)/mypy $$distribution/tests/*.py || exit 1; done
	$(BIN)/lint-imports --no-logo
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir $(VENV)/site

format: $(VENV)/.developing ## Format the code.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

crds: $(VENV)/.installed ## Generate crds/, docs/API.md and the chart's schema, table and copy of crds/.
	$(BIN)/rynxs crds generate crds
	$(BIN)/rynxs crds docs > docs/API.md
	$(BIN)/python helm/generate.py

bench: $(VENV)/.benching $(BENCH_TOOLS) ## Measure, beside bare limits and peers; writes benchmarks/results.json.
	$(BIN)/python -m benchmarks

bench-cluster: $(VENV)/.developing $(CLUSTER) $(TOOLS)/minio ## Measure the operator on a cluster with fake nodes, beside a bare client.
	$(BIN)/python -m benchmarks.cluster

bench-curves: $(VENV)/.developing ## Measure the cost by the log's length, up to 3 million records; writes docs/benchmarks.
	$(BIN)/python -m benchmarks.curves

bench-quick: $(VENV)/.benching $(BENCH_TOOLS) ## The same rows at small sizes, in less than two minutes.
	$(BIN)/python -m benchmarks --quick

clean: ## Remove everything that is generated.
	rm -rf $(VENV) $(STATE) $(TOOLS) $(FUZZ) benchmarks/results.json
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
	$(PIP) --no-build-isolation -e '.[operator]' $(PLUGINS:%=-e %) -e ./agent
	@touch $@

$(VENV)/.testing: $(VENV)/.installed
	$(PIP) $(TEST_TOOLS)
	@touch $@

$(VENV)/.developing: $(VENV)/.testing
	$(PIP) $(DEV_TOOLS)
	@touch $@

# Without one of them, its rows say so; it is tried again the next time.
$(VENV)/.benching: $(VENV)/.developing constraints.txt
	@for peer in $(PEERS); do $(PIP) $$peer || \
	  { echo "$$peer can't be installed here; what follows does without it" >&2; missing=1; }; done; \
	  [ -n "$$missing" ] || touch $@

# One set of versions for all that agree on one: what they share, Kubernetes' libraries above all, compiles once.
SHARED := $(HELM) $(KUBERNETES) $(KUBERNETES_NODE) $(addprefix $(TOOLS)/,coredns etcd kwok mc minio promtool versitygw)
$(SHARED): MODULE := tests/tools/shared
$(SHARED): tests/tools/shared/go.mod tests/tools/shared/go.sum
$(KUBERNETES) $(KUBERNETES_NODE): PACKAGE = k8s.io/kubernetes/cmd/$(@F)
# Not told its version, a program of Kubernetes gives one that no client can parse.
$(KUBERNETES) $(KUBERNETES_NODE): STAMP = -X k8s.io/component-base/version.gitVersion=$$($(GO) list -m -f '{{.Version}}' k8s.io/kubernetes)
$(TOOLS)/coredns: PACKAGE := ./coredns
$(TOOLS)/coredns: tests/tools/shared/coredns/main.go
$(TOOLS)/etcd: PACKAGE := go.etcd.io/etcd/server/v3
$(TOOLS)/kwok: PACKAGE := sigs.k8s.io/kwok/cmd/kwok
$(TOOLS)/mc: PACKAGE := github.com/minio/mc
$(TOOLS)/minio: PACKAGE := github.com/minio/minio
$(TOOLS)/promtool: PACKAGE := github.com/prometheus/prometheus/cmd/promtool
# It finds no targets here, so it need not know the clouds, which take minutes to compile.
$(TOOLS)/promtool: TAGS := remove_all_sd
$(TOOLS)/versitygw: PACKAGE := github.com/versity/versitygw/cmd/versitygw
$(TOOLS)/helm: PACKAGE := helm.sh/helm/v3/cmd/helm
$(TOOLS)/helm-unittest: PACKAGE := github.com/helm-unittest/helm-unittest/cmd/helm-unittest
# Not told which Kubernetes it is made for, Helm renders for 1.20, and refuses charts for later ones.
HELM_MINOR = $$($(GO) list -m -f '{{.Replace.Version}}' k8s.io/client-go | cut -d. -f2)
$(HELM): STAMP = -X helm.sh/helm/v3/internal/version.version=$$($(GO) list -m -f '{{.Version}}' helm.sh/helm/v3) \
  $(foreach part,chartutil lint/rules,-X helm.sh/helm/v3/pkg/$(part).k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$(part).k8sVersionMinor=$(HELM_MINOR))
$(CONTAINERD): MODULE := tests/tools/containerd
$(CONTAINERD): PACKAGE = github.com/containerd/containerd/v2/cmd/$(@F)
$(CONTAINERD): tests/tools/containerd/go.mod tests/tools/containerd/go.sum
$(TOOLS)/runc: MODULE := tests/tools/runc
$(TOOLS)/runc: PACKAGE := github.com/opencontainers/runc
# Without it runc refuses every pod that has a seccomp profile, as the restricted ones have.
$(TOOLS)/runc: TAGS := seccomp
$(TOOLS)/runc: tests/tools/runc/go.mod tests/tools/runc/go.sum
$(TOOLS)/runc: CHECK = pkg-config --exists libseccomp || \
  { echo "libseccomp is needed to build runc; on Debian: apt-get install libseccomp-dev pkg-config" >&2; exit 1; }
$(CNI): MODULE := tests/tools/cni
$(TOOLS)/cni/ptp $(TOOLS)/cni/loopback: PACKAGE = github.com/containernetworking/plugins/plugins/main/$(@F)
$(TOOLS)/cni/host-local: PACKAGE := github.com/containernetworking/plugins/plugins/ipam/host-local
$(CNI): tests/tools/cni/go.mod tests/tools/cni/go.sum
$(TOOLS)/probe: MODULE := tests/tools/probe
$(TOOLS)/probe: PACKAGE := .
$(TOOLS)/probe: TAGS := netgo,osusergo # a static program, for an image that holds nothing else
$(TOOLS)/probe: tests/tools/probe/go.mod $(wildcard tests/tools/probe/*.go)
$(TOOLS)/interop: MODULE := tests/interop
$(TOOLS)/interop: PACKAGE := .
$(TOOLS)/interop: tests/interop/go.mod tests/interop/go.sum $(wildcard tests/interop/*.go)

# A compiler's garbage is worth collecting only where memory is short: a fifth of its time goes there.
$(TOOLS)/%:
	@cd $(MODULE) && $(GO) list -m >/dev/null || \
	  { echo "Go 1.26 or later is needed to build $* for make e2e, make bench and make cluster; see https://go.dev/dl" >&2; exit 1; }
	@$(CHECK)
	@mkdir -p $(@D)
	cd $(MODULE) && GOGC=off GOMEMLIMIT=2GiB $(GO) build -trimpath -tags '$(strip $(TAGS))' -ldflags "-s -w $(STAMP)" -o $(CURDIR)/$@ $(PACKAGE)
