# Everything the targets make stays in .work; `make clean` removes it.
python := sh tools/python.sh

.PHONY: help venv demo world test sweep unit gates bench clean

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: ## The virtual environment that the other targets use
	@$(python) tools/environments.py

demo: ## A tenant's annual renewal from beginning to end, against the simulator
	@$(python) tools/browser.py
	@$(python) tools/run.py demo python tools/demo.py $(CURDIR)/.work/demo

world: ## The simulator, until you press Ctrl-C (WORLD_PORT=8900)
	@$(python) tools/run.py world python -m ansible_collections.nendo.apple_mdm.tests.simulator \
	    --port $(or $(WORLD_PORT),8900) --tenant example_school --state $(CURDIR)/.work/world --ready-file $(CURDIR)/.work/world.json

test: ## Every promise, in about 20 minutes: tests and gates (GATES="lint mypy" for some)
	@$(python) tools/browser.py
	@$(python) tools/gates.py test $(GATES)

sweep: ## What is exhaustive: a kill at every write and click, all seeds, every ansible-core (GATES=units-2.19)
	@$(python) tools/browser.py
	@$(python) tools/gates.py sweep $(GATES)

unit: ## The unit tests alone (ARGS="-k renewal" chooses)
	@$(python) tools/run.py unit pytest --numprocesses auto tests/unit $(ARGS)

gates: ## All gates, without our own run of the tests
	@$(python) tools/gates.py gates

bench: ## What the plays cost, in one table: a daily run over 100 tenants, the graduation of 10,000 devices, CLOMO PANEL
	@$(python) tools/run.py bench python tools/bench.py $(CURDIR)/.work/bench

clean: ## Removes what the targets made
	@rm -rf .work
