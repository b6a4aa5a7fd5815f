# The loop is one word: `make`. `make help` lists the rest.
.DEFAULT_GOAL := check
.PHONY: check format build unit test test-nested test-vm stress bench fuzz generate run setup clean help

UNIT := Interpose.Abi Interpose Policies Sandbox.Analyzers Sandbox.Kernel Sandbox
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

check: format unit ## Format check, build and unit tests, without root

format: ## Check the formatting of all sources
	@dotnet restore -v quiet Sandbox.sln
	@dotnet format whitespace Sandbox.sln --no-restore --verify-no-changes

build: setup bin/sandbox ## Build the NativeAOT executable bin/sandbox

SOURCES := $(shell find Interpose Policies Sandbox -type f \
	\( -name '*.cs' -o -name '*.csproj' -o -name '*.[ch]' \) -not -path '*/obj/*' -not -path '*/bin/*')

bin/sandbox: $(SOURCES) Directory.Build.props Directory.Packages.props
	@dotnet publish Sandbox/Sandbox -c Release -o obj/publish -v quiet
	@mkdir -p bin && cp -f obj/publish/sandbox bin/sandbox.new && mv -f bin/sandbox.new bin/sandbox

unit: ## Build and run the unit tests
	@scripts/test $(UNIT)

test: build ## Set up, build and run every test
	@scripts/test $(UNIT) Conformance

PARENTS ?= bwrap bwrap-user container container-user older older-user
NESTED ?= FullyQualifiedName~Conformance.Isolation|FullyQualifiedName~Conformance.Escape$\
	|FullyQualifiedName~Conformance.Namespace|FullyQualifiedName~Conformance.Cow

test-nested: build ## Isolation and escapes inside of other sandboxes and filters: PARENTS= NESTED=
	@dotnet build tests/Conformance.Tests --nologo -v quiet
	@for parent in $(PARENTS); do echo "== inside of $$parent"; \
		FILTER='$(NESTED)' BUILT=1 scripts/nested $$parent scripts/test Conformance \
			|| failed="$$failed $$parent"; \
	done; [ -z "$$failed" ] || { echo "failed inside of:$$failed"; exit 1; }

test-vm: setup bin/sandbox bin/rulefuzz ## Boot other kernels in QEMU and test on each: KERNELS="6.1 6.12" N=1500
	@scripts/test-vm

SECONDS ?= 30
KILLS ?= 1000

stress: build ## Stress, longer than in the suite: SECONDS= for each run, KILLS= of supervisors
	@KILLS=$(KILLS) STRESS_SECONDS=$(SECONDS) dotnet test tests/Conformance.Tests --nologo \
		-v quiet --logger "console;verbosity=normal" \
		--filter "FullyQualifiedName~StressTests|FullyQualifiedName~GarbageTests"

ROUNDS ?= 11

bench: build ## Measure costs as ratios, side by side, into docs/performance.md: ROUNDS= PARTS=
	@dotnet run --project tests/bench/Bench -c Release -v quiet -- . $(ROUNDS) "$(PARTS)"

SEED ?= 1
N ?= 1000000

fuzz: build bin/rulefuzz ## Hold the kernel's rules against the kernel, natively and sandboxed: SEED= N=
	@bin/rulefuzz bin/prober $(SEED) $(N)
	@bin/rulefuzz bin/prober $(SEED) $$(($(N) / 20)) --under bin/sandbox run -q -p permissive --

FUZZ_SOURCES := $(wildcard tests/fuzz/RuleFuzz/*.cs tests/fuzz/RuleFuzz/prober.[ch])

bin/rulefuzz: $(SOURCES) $(FUZZ_SOURCES)
	@dotnet publish tests/fuzz/RuleFuzz -c Release -o obj/rulefuzz -v quiet
	@mkdir -p bin && gcc -std=gnu11 -O2 -g -Wall -Wextra -Werror -static \
		-o bin/prober tests/fuzz/RuleFuzz/prober.c
	@cp -f obj/rulefuzz/RuleFuzz bin/rulefuzz

generate: ## Write the files that are made from others
	@WRITE_GENERATED=1 dotnet test tests/Policies.Tests --nologo -v quiet --filter GeneratedFiles
	@dotnet test tests/Policies.Tests --nologo -v quiet --filter GeneratedFiles

run: build ## Run a pipeline and a parallel make in the sandbox, with a summary
	@scripts/demo

setup: ## Install the missing Debian packages (root), or say which
	@scripts/setup

clean: ## Remove everything that was built
	@rm -rf bin obj
	@find . -type d \( -name bin -o -name obj -o -name TestResults \) -prune -exec rm -rf {} +

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16
