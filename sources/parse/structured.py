"""JSON or YAML guidance (FHIR plans, treatment guidelines, content nodes) as an outline in Markdown.

A file of this kind is not a table of rows: its nesting is its structure. Keys become headings, lists become items,
scalars become text as written, and nothing but declared noise is left out. `options`: `root` (dotted path, "" for the
top, to a list whose items are documents of their own), `title`, `url`, `name` and `published` (dotted paths), `skip`
(keys that hold no prose, at any depth). HTML inside strings is read as HTML. Not here: tables of rows (`records`) and
question sets (`mcq`).
"""

import re
from collections.abc import Iterator
from typing import Any

from sources.parse.as_written import load
from sources.parse.html_string import read_string
from sources.parse.outline import Outline
from sources.parse.part import Fault, Part, Section, Unreadable

LINE_CHARS = 200
"""A value up to this length stands on the line of its key."""
_CAMEL = re.compile(r"(?<=[a-z]{3})(?=[A-Z][a-z]{2})")
"""Between the words of relatedArtifact, but not inside SpO2, HbA1c, doseMl or mgPerKg."""
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?(?=$|[T ])")


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield one part for the file, or one for each item under `root`. Raises Unreadable."""
    found = _at(load(body, key), options.get("root", ""))
    if found is None:
        raise Unreadable("no_rows_at_root", str(options.get("root") or "null"))
    items = found if isinstance(found, list) and "root" in options else [found]
    for index, item in enumerate(items):
        name = _text(_at(item, options.get("name"))) or (str(index) if len(items) > 1 else "")
        yield _part(item, name, options)


def _part(item: Any, name: str, options: dict[str, Any]) -> Part | Fault:
    title = _text(_at(item, options.get("title"))) or None
    tree = _Tree(frozenset(options.get("skip", ())), title)
    if not tree.walk(item, 1):
        return Fault(reason="no_text", detail="no text in it", name=name)
    text, sections = tree.finish()
    published = _DATE.match(_text(_at(item, options.get("published"))))
    url = _text(_at(item, options.get("url"))) or None
    return Part(
        text=text, title=title, name=name, sections=sections, url=url, published=published[0] if published else None
    )


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
    """Return a scalar as text, HTML as Markdown; nothing for null, lists and mappings."""
    return read_string(str(value)) if value is not None and not isinstance(value, dict | list) else ""


class _Tree:
    """An outline of a tree of fields: mappings and lists open sections, scalars are text under their keys."""

    def __init__(self, skip: frozenset[str], title: str | None) -> None:
        self._skip = skip
        self._outline = Outline()
        if title:
            self._outline.add_heading(1, title)

    def finish(self) -> tuple[str, list[Section]]:
        """Return the text and its sections."""
        return self._outline.finish()

    def walk(self, node: Any, depth: int) -> bool:
        """Add everything below a node in document order; say whether there was anything."""
        before = self._outline.size()
        if isinstance(node, dict):
            for key, value in node.items():
                if key not in self._skip:
                    self._entry(", ".join(map(str, key)) if isinstance(key, tuple) else str(key), value, depth)
        elif isinstance(node, list):
            for value in node:
                if isinstance(value, dict | list):
                    self.walk(value, depth)
                elif text := _text(value):
                    self._outline.add(f"- {text}")
        else:
            self._outline.add(_text(node))
        return self._outline.size() > before

    def _entry(self, key: str, value: Any, depth: int) -> None:
        words = re.sub(r"[_\s]+", " ", _CAMEL.sub(" ", key)).strip()
        if isinstance(value, dict | list):
            self._outline.add_heading(depth + 1, words)
            if not self.walk(value, depth + 1):
                self._outline.drop_heading()
        elif text := _text(value):
            short = "\n" not in text and len(text) < LINE_CHARS
            self._outline.add(f"{words}: {text}" if short else f"{words}:\n\n{text}")
