# Two commands matter: `make demo` and `make test`. Nothing is needed but Python 3.11 or 3.12.
PYTHON ?= $(shell command -v python3.12 >/dev/null 2>&1 && python3.12 --version >/dev/null 2>&1 && echo python3.12 || echo python3.11)
BIN := .venv/bin

.PHONY: setup demo test isolation-proof bench check fix generate docs node-pictures lock

setup:  ## the virtual environment, with what is locked
	@$(PYTHON) deploy/bootstrap.py

demo: setup  ## everything, running; ONCE=1 decides by itself, checks the outcomes and stops
	@$(BIN)/python -m deploy.demo $(if $(ONCE),--once)

test: setup  ## all tests, on real PostgreSQL, Redis, n8n and Chromium
	@$(PYTHON) deploy/bootstrap.py --e2e
	@$(BIN)/python -m deploy.n8n_nodes.build pack
	@$(BIN)/python -m deploy.embedded install
	@$(BIN)/python -m pytest -n 2 $(ARGS)

isolation-proof: setup  ## takes away each guard between tenants in turn: every time a test has to fail
	@$(BIN)/python -m tests.mutation $(NAME)

bench: setup  ## figures on real data: NAME=invoices, DATA=the folder with it
	@$(BIN)/python -m bench.run $(NAME) $(if $(DATA),--data $(DATA))

check: setup  ## formatting, types, floors, generated files, the node pack's lint
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/python -m deploy.offline mypy
	@$(BIN)/python -m deploy.offline python -W ignore manage.py makemigrations --check --dry-run
	@$(BIN)/python -m deploy.offline python manage.py generate --check
	@$(BIN)/python -m deploy.n8n_nodes.build lint

fix: setup  ## what can be mended by itself
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

generate: setup  ## TypeScript, OpenAPI and docs from the node operations
	@$(BIN)/python -m deploy.offline python manage.py generate

docs: setup  ## the README's pictures, from a running demo
	@$(BIN)/python -m deploy.pictures

node-pictures: setup  ## the pictures of docs/nodes and docs/operations, from n8n's editor
	@$(BIN)/python -m deploy.node_pictures

lock: setup  ## requirements*.txt from pyproject.toml
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --group embeddings -c requirements.txt pyproject.toml -o requirements-embeddings.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt
