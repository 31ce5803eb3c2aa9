"""Who may open sockets to the web: one file. Imports and calls are read from the source of all three packages."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WEB_LIBRARIES = {
    *("httpx2", "httpcore2", "httpx", "httpcore", "h11", "requests", "urllib3", "aiohttp", "http.client"),
    *("urllib.request", "ftplib", "playwright", "socketserver", "telnetlib", "asyncio.streams", "websockets"),
}
OPENING_CALLS = {"connect_tcp", "create_connection", "open_connection", "connect_unix", "urlopen", "open_tcp_stream"}
ALLOWED = {
    "sources/web/fetch.py": "the fetcher",
    "sources/web/render.py": "a browser that is given every answer by the fetcher (extra `render`)",
    "sources/teacher/lines.py": "model endpoints, which the run file names",
    "pipelines/engine/hub.py": "the hub, through huggingface_hub",
    "pipelines/engine/hub_upload.py": "the same, for what goes up",
    "pipelines/engine/objects.py": "object stores, through fsspec",
    "pipelines/engine/runtime.py": "a knock at Ray's port",
}


def packages() -> Iterator[tuple[str, ast.Module]]:
    for room in ("pipelines", "sources", "mixer"):
        for path in sorted((ROOT / room).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def opens_sockets(tree: ast.AST) -> set[str]:
    names = {name for name in imported(tree) for library in WEB_LIBRARIES if f"{name}.".startswith(f"{library}.")}
    called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    calls = {one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in called}
    return names | (calls & OPENING_CALLS)


def test_only_the_fetcher_opens_sockets_to_the_web() -> None:
    found = {path: names for path, tree in packages() if (names := opens_sockets(tree))}
    assert "sources/web/fetch.py" in found
    assert {path: names for path, names in found.items() if path not in ALLOWED} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import httpx2",
        "import urllib.request as u",
        "from urllib import request",
        "from http.client import HTTPSConnection",
        "def f():\n    import requests",
        "import asyncio\nasyncio.open_connection('a', 1)",
        "import socket\nsocket.create_connection(('a', 1))",
    ],
)
def test_the_rule_sees_what_it_forbids(line: str) -> None:
    assert opens_sockets(ast.parse(line))


@pytest.mark.parametrize("line", ["import urllib.parse", "from http import HTTPStatus", "import requests_toolbox"])
def test_the_rule_leaves_the_rest_alone(line: str) -> None:
    assert not opens_sockets(ast.parse(line))
