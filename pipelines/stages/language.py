"""Tell the language of a document: what its source declared, checked against what its words look like.

The detector (py3langid's model, offline, in `language_scan`) sees at most three windows, none near an end: texts often
start with an English menu or abstract and close with English references, whatever they are written in. A declared
language is kept unless all windows speak clearly for another one that the detector can tell from it: dose tables
and drug names look like any language. `zxx` is no language at all, and overrules nothing; `quality` judges that.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.stage import Batch
from pipelines.stages.content import contents
from pipelines.stages.language_scan import letters, model, probabilities

REASONS: frozenset[str] = frozenset()
WINDOW_CHARS = 300
WINDOW_STARTS = (0.15, 0.4, 0.65)
SCAN_ROWS = 256
"""Documents that are scanned at a time: more only take more memory."""
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("language", pa.string()),
        pa.field("language_score", pa.float32()),
        pa.field("declared", pa.string()),
        pa.field("detected", pa.string()),
    ]
)
INDISTINCT = (
    frozenset({"no", "nb", "nn", "da"}),
    frozenset({"hr", "bs", "sr", "sl"}),
    frozenset({"id", "ms", "jv"}),
    frozenset({"cs", "sk"}),
    frozenset({"hi", "mr", "ne"}),
    frozenset({"xh", "zu"}),
    frozenset({"pt", "gl"}),
    frozenset({"es", "gl"}),
)
"""Written languages that the detector confuses: a finding within a group never overrules a declaration."""


class LanguageConfig(Settings):
    """When a finding counts: enough letters to judge, and how sure it must be to overrule a declaration."""

    min_letters: Annotated[int, BYTES] = 20
    overrule_letters: Annotated[int, BYTES] = 200
    overrule_score: Annotated[float, BYTES] = 0.95


class Finding(NamedTuple):
    """A detected language, the mean probability that the windows give it, and the letters that were seen."""

    language: str | None
    score: float
    letters: int


@lru_cache(maxsize=1)
def known_languages() -> frozenset[str]:
    """Return the codes (ISO 639-1) that the detector knows."""
    return frozenset(model().labels)


def windows(text: str) -> list[str]:
    """Return the text itself when it is short, else a window of `WINDOW_CHARS` code points at each `WINDOW_STARTS`."""
    if len(text) <= len(WINDOW_STARTS) * WINDOW_CHARS:
        return [text]
    starts = [int(len(text) * share) for share in WINDOW_STARTS]
    return [text[start : start + WINDOW_CHARS] for start in starts]


def detect_all(texts: Sequence[str], min_letters: int) -> list[Finding]:
    """Return, for each text, the language that its windows speak for together; none below `min_letters` letters.

    Of languages with the same probability, the first in the alphabet is found.
    """
    seen = [windows(text) for text in texts]
    counts = letters(["".join(parts) for parts in seen])
    judged = [text for text, count in enumerate(counts) if count >= min_letters]
    found = [Finding(None, 0.0, count) for count in counts]
    if judged:
        firsts = [0, *accumulate(len(seen[text]) for text in judged)][:-1]
        votes = np.add.reduceat(probabilities([window for text in judged for window in seen[text]]), firsts)
        for text, label, vote in zip(judged, votes.argmax(axis=1), votes.max(axis=1), strict=True):
            found[text] = Finding(model().labels[label], round(float(vote) / len(seen[text]), 4), counts[text])
    return found


def detect(text: str, min_letters: int) -> Finding:
    """Return what `detect_all` finds for one text."""
    return detect_all([text], min_letters)[0]


def decide(declared: str | None, found: Finding, config: LanguageConfig) -> str | None:
    """Return the language of a document that is declared as `declared` and looks like `found`."""
    if declared is None:
        return found.language
    sure = found.letters >= config.overrule_letters and found.score >= config.overrule_score
    if not sure or found.language == "zxx" or declared not in known_languages():
        return declared
    if any({declared, found.language} <= group for group in INDISTINCT):
        return declared
    return found.language


def primary_subtag(tag: str | None) -> str | None:
    """Return the language of a BCP 47 tag in lower case (pt-BR: pt); None for none, `und`, `mul` and `zxx`."""
    primary = (tag or "").replace("_", "-").split("-")[0].strip().lower()
    return None if primary in ("", "und", "mul", "zxx", "mis") else primary


class Language:
    """The stage: one row of findings for each document."""

    name = "language"
    version = "2"
    reasons = REASONS
    writes = "attributes"

    def __init__(self, config: LanguageConfig) -> None:
        self.config = config

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide bytes."""
        return self.config.identity()

    def apply(self, table: pa.Table) -> Batch:
        """Return `SCHEMA`: the language to use, the detector's score, and what was declared and detected."""
        declared = [primary_subtag(tag) for tag in table.column("language").to_pylist()]
        parts = (table.slice(first, SCAN_ROWS) for first in range(0, table.num_rows, SCAN_ROWS))
        found = [finding for part in parts for finding in detect_all(contents(part), self.config.min_letters)]
        languages = [decide(d, f, self.config) for d, f in zip(declared, found, strict=True)]
        columns = [languages, [f.score for f in found], declared, [f.language for f in found]]
        arrays = [pa.array(c, type=f.type) for c, f in zip(columns, list(SCHEMA)[1:], strict=True)]
        return Batch(pa.Table.from_arrays([table.column("id"), *arrays], schema=SCHEMA))
