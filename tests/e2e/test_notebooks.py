"""Every notebook runs from top to bottom on the demo run, shows pictures, and is committed without outputs.

The push tier executes cells in this process and looks at what each ends with; the nightly tier has a real kernel do
it, in the notebooks' own folder.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import altair
import nbformat
import pytest
from demo_runs import REPOSITORY
from nbclient import NotebookClient

FOLDER = REPOSITORY / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
ROOMS = ("pipelines", "sources", "mixer")
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture
def demo(demo_run: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MEDMIX_RUN", str(demo_run))
    yield demo_run
    altair.theme.enable("default")
    altair.renderers.enable("default")


def code_of(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def test_there_are_five_and_they_are_numbered() -> None:
    assert [path.stem.partition("-")[0] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05"]


@every_notebook
def test_notebook_runs_and_shows_pictures_whose_axes_have_names(path: Path, demo: Path) -> None:
    names: dict[str, Any] = {}
    shown = [_executed("".join(cell["source"]), path.name, names) for cell in code_of(path)]
    pictures = [one.to_dict() for one in shown if isinstance(one, altair.TopLevelMixin)]
    assert pictures
    for picture in pictures:
        axes = list(_axes(picture))
        assert axes
        assert all(axis.get("title") for axis in axes), f"an axis has no name: {axes}"


def _executed(source: str, name: str, names: dict[str, Any]) -> Any:
    """Execute a cell; return the value of the expression that it ends with, as a kernel would show it."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), names)
    return eval(compile(ast.Expression(last.value), name, "eval"), names) if isinstance(last, ast.Expr) else None


def _axes(spec: Any) -> Iterator[dict[str, Any]]:
    """Yield what is encoded by place in a chart and the charts within it."""
    for key, value in spec.items() if isinstance(spec, dict) else ():
        if key == "encoding":
            yield from (value[axis] for axis in ("x", "y") if axis in value)
        for one in value if isinstance(value, list) else [value]:
            yield from _axes(one)


@every_notebook
def test_notebook_holds_no_output_and_nothing_of_a_machine(path: Path) -> None:
    body = json.loads(path.read_text())
    nbformat.validate(body)
    assert set(body["metadata"]) == {"kernelspec"}
    assert len({cell["id"] for cell in body["cells"]}) == len(body["cells"])
    for cell in body["cells"]:
        assert cell["metadata"] == {}
    for cell in code_of(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@every_notebook
def test_notebook_uses_public_names_alone(path: Path) -> None:
    for cell in code_of(path):
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ROOMS:
                private = [alias.name for alias in node.names if alias.name.startswith("_")]
                assert not private, f"{node.module}: {private}"
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_"), node.attr


@pytest.mark.nightly
@every_notebook
def test_a_kernel_runs_the_notebook_and_shows_its_pictures(path: Path, demo: Path) -> None:
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(FOLDER)}}).execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/svg+xml" in output.get("data", {}) for output in outputs)
