"""The table of reasons and the code give the same words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import sources
from pipelines.engine.sandbox import FAULT_REASONS
from sources.parse.reasons import REASONS

ROOM = Path(sources.__file__).parent
FILES = sorted(
    path
    for pattern in (
        "parse/*.py",
        "archive*.py",
        "warc*.py",
        "europe_pmc.py",
        "datatrove*.py",
        "teacher/differential*.py",
        "teacher/named.py",
        "teacher/steps.py",
        "teacher/unexplained.py",
        "teacher/walk.py",
    )
    for path in ROOM.glob(pattern)
)
GIVERS = {"Unreadable", "Fault", "RowError", "_DamagedError"}
EXTRACTION = {"no_record", "unknown_format", "unreadable", "invalid_unicode"}


def literals(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> Iterator[str]:
    """Yield the strings that an expression for a reason can be: itself, either branch, what its name was given."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body, assigned)
        yield from literals(node.orelse, assigned)
    elif isinstance(node, ast.Name):
        for value in assigned.get(node.id, []):
            yield from literals(value, {})


def given(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in GIVERS:
            reasons = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "reason")]
            found |= {text for reason in reasons for text in literals(reason, assigned)}
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple) and path.parent.name == "teacher":
            found |= set(literals(node.value.elts[0], assigned))  # faults of a rendering: (reason, detail)
    return found


def test_every_reason_that_the_code_gives_is_in_the_table_and_no_other() -> None:
    by_file = {path.name: given(path) for path in FILES}
    unlisted = {name: missing for name, found in by_file.items() if (missing := found - REASONS.keys())}
    assert not unlisted, "add them to sources/parse/reasons.py"
    assert set().union(*by_file.values()) | EXTRACTION == set(REASONS)


def test_reasons_are_words_with_a_meaning_and_none_is_the_sandboxs() -> None:
    for reason, meaning in REASONS.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", reason)
        assert meaning
        assert not meaning.endswith(".")
    assert not REASONS.keys() & FAULT_REASONS
