"""Read JSON and YAML with every scalar as the text that stands in the file: 1.10 stays 1.10, 1e3 stays 1e3.

A dose read as a number and written again is another text (1.10 becomes 1.1, and yes becomes True), so nested guidance
is read without numbers. JSON is checked strictly first (`strict_json`). Null alone is no text. Rows of YAML
(`record_rows`) are read by the same loader. Not here: which key means what.
"""

import json
import re
import warnings
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import ReusedAnchorWarning, YAMLError

from sources.parse import strict_json
from sources.parse.charset import decode
from sources.parse.part import Unreadable

_YAML_NAME = re.compile(r"\.ya?ml(\.gz|\.zst)?$", re.IGNORECASE)
_PURE = re.compile(r"[\x85\u2028\u2029\ufeff]|(?:[\[{?-]\s*){200}")
"""What libyaml reads as YAML 1.1 does (line breaks, and a mark that it passes over), and what its stack cannot hold."""
_HALF_PAIR = re.compile(r"\\(?:u|U0000)[dD][89a-fA-F]")
NODES_A_CHARACTER = 20
REFUSALS = (YAMLError, ValueError, TypeError, AttributeError, AssertionError, RecursionError)


class _Written(SafeConstructor):
    """Builds every scalar but null as the text that stands in the file, and a set as the list that stands there."""

    def construct_written_set(self, node: Any) -> Iterator[list[Any]]:
        """Build a set in the order of the file: one of Python's has another in each process."""
        members: list[Any] = []
        yield members
        members.extend(self.construct_mapping(node))

    def construct_written_pairs(self, node: Any) -> Iterator[list[dict[Any, Any]]]:
        """Build pairs, of which several may have one key, as a list of mappings."""
        pairs: list[dict[Any, Any]] = []
        yield pairs
        [found] = self.construct_yaml_pairs(node)
        pairs.extend({key: value} for key, value in found)


for _tag in ("bool", "int", "float", "timestamp", "binary"):
    _Written.add_constructor(f"tag:yaml.org,2002:{_tag}", SafeConstructor.construct_yaml_str)
_Written.add_constructor("tag:yaml.org,2002:set", _Written.construct_written_set)
_Written.add_constructor("tag:yaml.org,2002:pairs", _Written.construct_written_pairs)


def load(body: bytes, key: str) -> Any:
    """Return dicts, lists, strings and None; true and false are words. Raises Unreadable."""
    if not body.strip():
        raise Unreadable("empty", f"{len(body)} bytes")
    return load_yaml(decode(body, None, html=False)[0]) if _YAML_NAME.search(key) else _json(body)


def _json(body: bytes) -> Any:
    try:
        strict_json.loads(body)
    except ValueError as error:
        raise Unreadable("invalid_json", str(error)) from None
    return _words(json.loads(body.decode("utf-8-sig"), parse_float=str, parse_int=str))


def _words(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return {key: _words(item) for key, item in value.items()}
    return [_words(item) for item in value] if isinstance(value, list) else value


def load_yaml(text: str) -> Any:
    """Return a YAML document, or a list when there are several; anchors may be used again (YAML 1.2.2, 3.2.2.2).

    libyaml reads it, twenty times as fast as Python; what it refuses or reads otherwise, Python decides. Raises
    Unreadable `invalid_yaml`.
    """
    if _HALF_PAIR.search(text):
        raise Unreadable("invalid_yaml", "half of a surrogate pair")
    try:
        documents = documents_of(text, pure=bool(_PURE.search(text)))
    except REFUSALS:
        try:
            documents = documents_of(text, pure=True)
        except REFUSALS as error:
            raise Unreadable("invalid_yaml", type(error).__name__) from None
    if "*" in text and not _is_within(documents, NODES_A_CHARACTER * len(text) + 10_000):
        raise Unreadable("invalid_yaml", "anchors within themselves, or used again beyond all measure")
    return documents[0] if len(documents) == 1 else documents


def _is_within(value: Any, most: int) -> bool:
    """Say whether a tree, each anchor told as often as it is used, has at most so many nodes."""
    left = [value]
    while left and most >= 0:
        node = left.pop()
        most -= 1
        if isinstance(node, dict | list):
            left += node.values() if isinstance(node, dict) else node
            most -= len(node)
    return most >= 0


def documents_of(text: str, *, pure: bool) -> list[Any]:
    """Return every document of a text, by Python (`pure`) or by libyaml. Raises one of REFUSALS."""
    loader = YAML(typ="safe", pure=pure)
    loader.Constructor = _Written
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReusedAnchorWarning)
        return list(loader.load_all(text))
