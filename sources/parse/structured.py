"""JSON or YAML guidance (FHIR plans, treatment guidelines, content nodes) as an outline in Markdown.

A file of this kind is not a table of rows: its nesting is its structure. Keys become headings, lists become items,
strings become paragraphs, and nothing but declared noise is left out. `options`: `root` (dotted path, "" for the
top, to a list whose items are documents of their own), `title`, `url`, `name` and `published` (dotted paths), `skip` (keys that hold no
prose). HTML inside strings is read as HTML. Not here: tables of rows (`records`) and question sets (`mcq`).
"""

import io
import re
from collections.abc import Iterator
from typing import Any

from lxml import html as lxml_html
from lxml.etree import ParserError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sources.parse.charset import decode
from sources.parse.part import Fault, Part, Section, Unreadable
from sources.parse.strict_json import loads

MAX_HEADING = 6
_TAG = re.compile(r"</?(p|div|ul|ol|li|table|tr|td|th|h[1-6]|br|a|strong|em|sup|sub|span|b|i)\b[^>]*>", re.IGNORECASE)
_BLOCK_END = re.compile(r"</(p|div|li|tr|h[1-6]|ul|ol|table)>|<br\s*/?>", re.IGNORECASE)


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield one part for the file, or one for each item under `root`. Raises Unreadable."""
    tree = _load(body, key)
    found = _at(tree, options["root"]) if "root" in options else [tree]
    items = found if isinstance(found, list) else [found]
    for index, item in enumerate(items):
        name = _text(_at(item, options.get("name"))) or (str(index) if len(items) > 1 else "")
        outline = _Outline(frozenset(options.get("skip", ())))
        title = _text(_at(item, options.get("title"))) or None
        if title:
            outline.heading(1, title)
        outline.walk(item, 1)
        text, sections = outline.finish()
        if len(text) <= len(title or "") + 4:
            yield Fault(reason="no_text", detail="no string beyond the title", name=name)
            continue
        published = _text(_at(item, options.get("published")))[:10] or None
        url = _text(_at(item, options.get("url"))) or None
        yield Part(text=text, title=title, name=name, sections=sections, url=url, published=published)


def _load(body: bytes, key: str) -> Any:
    if not body.strip():
        raise Unreadable("empty", f"{len(body)} bytes")
    if re.search(r"\.ya?ml(\.gz|\.zst)?$", key, re.IGNORECASE):
        text, _ = decode(body, None, html=False)
        try:
            return YAML(typ="safe", pure=True).load(io.StringIO(text))
        except YAMLError as error:
            raise Unreadable("invalid_yaml", type(error).__name__) from None
    try:
        return loads(body)
    except ValueError as error:
        raise Unreadable("invalid_json", str(error)) from None


def _at(node: Any, path: str | None) -> Any:
    """Follow a dotted path; an empty one is the node itself, a broken one None."""
    if path is None:
        return None
    for step in path.split(".") if path else []:
        if isinstance(node, list) and step.isdigit() and int(step) < len(node):
            node = node[int(step)]
        elif isinstance(node, dict):
            node = node.get(step)
        else:
            return None
    return node


def _text(value: Any) -> str:
    """Return a scalar as text; HTML is reduced to its words, a line for each block."""
    if value is None or isinstance(value, bool | dict | list):
        return ""
    text = str(value)
    if not _TAG.search(text):
        return text.strip()
    try:
        words = lxml_html.fromstring(f"<div>{_BLOCK_END.sub(lambda m: m.group() + chr(10), text)}</div>").text_content()
    except (ParserError, ValueError):
        return text.strip()
    return re.sub(r"\n\s*\n+", "\n\n", words).strip()


class _Outline:
    """Blocks of Markdown with the sections they make up."""

    def __init__(self, skip: frozenset[str]) -> None:
        self._skip = skip
        self._blocks: list[str] = []
        self._marks: list[tuple[int, int, str]] = []

    def heading(self, depth: int, words: str) -> None:
        """Start a section."""
        self._marks.append((len(self._blocks), depth, words))
        self._blocks.append(f"{'#' * min(depth, MAX_HEADING)} {words}")

    def walk(self, node: Any, depth: int) -> None:
        """Add everything below a node in document order."""
        if isinstance(node, dict):
            for key, value in node.items():
                if key not in self._skip and _has_text(value, self._skip):
                    self._entry(str(key), value, depth)
        elif isinstance(node, list):
            for value in node:
                if isinstance(value, dict | list):
                    self.walk(value, depth)
                elif text := _text(value):
                    self._blocks.append(f"- {text}")
        elif text := _text(node):
            self._blocks.append(text)

    def _entry(self, key: str, value: Any, depth: int) -> None:
        words = re.sub(r"[_\s]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key)).strip()
        if isinstance(value, dict | list):
            self.heading(depth + 1, words)
            self.walk(value, depth + 1)
            return
        text = _text(value)
        self._blocks.append(f"{words}: {text}" if "\n" not in text and len(text) < 200 else f"{words}:\n\n{text}")

    def finish(self) -> tuple[str, list[Section]]:
        """Return the text and its sections, paths from the outermost heading."""
        starts, at = [], 0
        for block in self._blocks:
            starts.append(at)
            at += len(block) + 2
        text = "\n\n".join(self._blocks)
        sections, path = [], list[tuple[int, str]]()
        for index, (block, depth, words) in enumerate(self._marks):
            path = [*((d, w) for d, w in path if d < depth), (depth, words)]
            end = starts[self._marks[index + 1][0]] if index + 1 < len(self._marks) else len(text)
            sections.append(Section(" > ".join(w for _, w in path), starts[block], end))
        return text, sections


def _has_text(value: Any, skip: frozenset[str]) -> bool:
    if isinstance(value, dict):
        return any(_has_text(item, skip) for key, item in value.items() if key not in skip)
    if isinstance(value, list):
        return any(_has_text(item, skip) for item in value)
    return bool(_text(value))
