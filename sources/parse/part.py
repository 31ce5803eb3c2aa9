"""What a parser gives: parts that were read, and faults for what could not be.

A parser is a function `parse(body, key, options)` that yields, for one item, one `Part` for each text it holds
(an article and its sub-articles, the rows of a table), or one `Fault` for each that must be quarantined. It
raises `Unreadable` when the whole item is. Parts cross the sandbox's pipe as JSON, so they hold plain values.
A part is not yet a document: it has no id, no source and no rights.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Section(NamedTuple):
    """A titled stretch of a text: `path` from the outermost heading, [start, end) in code points of the text."""

    path: str
    start: int
    end: int


@dataclass(slots=True, kw_only=True)
class Part:
    """One text with what the file itself says about it. Unknown is None or empty, never a guess."""

    text: str
    title: str | None = None
    kind: str | None = None
    """Overrides the source's kind: abstract, article, correction, ..."""
    name: str = ""
    """Tells parts of one item apart; appended to the item's key as `key#name`."""
    position: str = ""
    """Where a row of JSON lines begins in its file (`B<byte>`), or the number of a row of Parquet. It, not `name`, is
    then in the key: a reader of one range cannot know whether a name comes again in another."""
    sections: list[Section] = field(default_factory=list)
    language: str | None = None
    """BCP 47, as declared by the file."""
    published: str | None = None
    """ISO 8601 date, as exact as known: 2019, 2019-03 or 2019-03-07."""
    url: str | None = None
    spdx: str | None = None
    """SPDX expression, when the file's licence statement maps to one without doubt."""
    licence_text: str = ""
    """The licence statement or URL as found: the evidence."""
    identifiers: dict[str, str] = field(default_factory=dict)
    """doi, pmid, pmcid, isbn, ... without prefixes or URLs."""
    links: list[tuple[str, str]] = field(default_factory=list)
    """(relation, target) to other works: ("retracts", doi), ("corrects", doi), ("translation_of", key), ..."""
    references: list[str] = field(default_factory=list)
    """The reference list, one string an entry, apart from the text."""
    retracted: bool = False
    version: str | None = None
    mcq: dict[str, Any] | None = None
    """question (str), options (list[str]), gold (list[int]), explanation, split, subject (str or None)."""
    messages: list[dict[str, Any]] | None = None
    """Chat turns: role (system, user, assistant), content, trained (bool)."""
    teacher: dict[str, Any] | None = None
    """Who wrote a generated text: model, revision, prompt, sampling, attempt."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Other facts worth keeping, JSON values only."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """A record that cannot be read: a reason in snake_case and a detail that never holds document text."""

    reason: str
    detail: str = ""
    name: str = ""


class Unreadable(Exception):
    """The whole item cannot be read: (reason in snake_case, detail without document text)."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


Parser = Callable[[bytes, str, dict[str, Any]], Iterator[Part | Fault]]
