"""Put placeholders in place of identifiers: one number for each value of a kind, the same through a document.

A pass is repeated until it finds nothing, so that a second run of the stage changes nothing either; numbers go on after
those that a text already has. Not here: finding (`privacy_find`), documents (`privacy`).
"""

import re
from collections import Counter
from collections.abc import Collection

from pipelines.stages.offsets import Replacement, apply_replacements
from pipelines.stages.privacy_find import NAME_KIND, PLACEHOLDER, Found, find, is_personal

PREFIX = "redact_"
MOST_PASSES = 8


class Redaction:
    """The placeholders of one document: which number a value has, and how many were put for each kind."""

    def __init__(self, kinds: Collection[str]) -> None:
        self.counts: Counter[str] = Counter()
        self._kinds = frozenset(kinds)
        self._numbers: dict[tuple[str, str], int] = {}
        self._last: Counter[str] = Counter()
        self._is_record = False

    def of(self, text: str, known: list[Found] | None = None) -> tuple[str, list[list[Replacement]]]:
        """Return a text of the document with placeholders, and the replacements of each pass over it.

        `known` is what `find` gave for the text where that was asked already.
        """
        passes: list[list[Replacement]] = []
        for _ in range(MOST_PASSES):
            found = find(text, self._kinds, self._is_record) if known is None else known
            known = None
            if not found:
                break
            if not passes:
                self._skip_numbers_of(text)
            self._is_record |= is_personal(found, text)
            passes.append([Replacement(a, b, self._placeholder(kind, text[a:b])) for a, b, kind in found])
            self.counts.update(one.kind for one in found)
            text = apply_replacements(text, passes[-1])
        return text, passes

    def _skip_numbers_of(self, text: str) -> None:
        for label, number in PLACEHOLDER.findall(text):
            self._last[label] = max(self._last[label], int(number))

    def _placeholder(self, kind: str, value: str) -> str:
        label = kind.upper().replace("_", "-")
        known = (kind, _same(kind, value))
        if known not in self._numbers:
            self._last[label] += 1
            self._numbers[known] = self._last[label]
        return f"[{label}-{self._numbers[known]}]"


def _same(kind: str, value: str) -> str:
    """Return what is equal for two spellings of one value."""
    parts = (
        r"\s+" if kind in (NAME_KIND, "address") else r"[\s().\-/]+" if kind not in ("url", "email", "handle") else ""
    )
    return re.sub(parts, " " if kind == NAME_KIND else "", value).casefold() if parts else value.casefold()
