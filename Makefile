# Two commands do everything on a machine with only git and Python: `make demo` and `make test`.
# uv is used when it is there, venv and pip when not.
VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALL = if command -v uv >/dev/null 2>&1; \
	then uv pip install -q --python $(PYTHON) -c constraints.txt -e $(1); \
	else $(PYTHON) -m pip install -q --disable-pip-version-check -c constraints.txt -e $(1); fi

.PHONY: demo test nightly bench clean

demo: $(VENV)/.core
	$(VENV)/bin/medmix run configs/demo.yaml
	$(VENV)/bin/medmix generate configs/generate/demo.yaml --inline
	$(VENV)/bin/medmix run configs/demo-taught.yaml --inline
	$(VENV)/bin/medmix verify out/demo
	$(VENV)/bin/medmix trace out/demo --sequence 0 --token 10

test: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	@log=$$(mktemp); echo "whole runs (tests/e2e) go beside all other tests; what they say comes last"; \
	$(PYTHON) -m pytest tests/e2e --durations=10 >$$log 2>&1 & whole=$$!; \
	$(PYTHON) -m pytest --ignore tests/e2e --durations=10; rooms=$$?; \
	wait $$whole; whole=$$?; cat $$log; rm -f $$log; exit $$((rooms | whole))

nightly: $(VENV)/.dev
	$(PYTHON) -m pytest -m "nightly" --durations=25

bench: $(VENV)/.dev
	$(PYTHON) -m tests.bench

clean:
	rm -rf $(VENV) out

$(PYTHON):
	@if command -v uv >/dev/null 2>&1; then uv venv -q $(VENV); else python3 -m venv $(VENV); fi

$(VENV)/.core: pyproject.toml constraints.txt | $(PYTHON)
	@echo "installing medmix into $(VENV) ..."
	@$(call INSTALL,'.')
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(PYTHON)
	@echo "installing medmix and its test tools into $(VENV) ..."
	@$(call INSTALL,'.[dev]')
	@touch $@
