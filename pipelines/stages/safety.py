"""Flag text that would harm a model or its users: orders to a model, hidden characters, and claims against medicine.

What is looked for: wordings that talk to a model instead of to a reader (those that the teacher is guarded by), the
share of characters that no reader sees, and markers of known misinformation in five subjects and four languages. A
marker is no verdict, for who refutes a claim repeats it; so what counts depends on how far the source is trusted:
guidance, labels and journals may speak of all this, the open web may not do it often. In a conversation the user's
turns give orders to a model, as they should; there only what the model is to say is looked at for orders. Flags are
attributes; `consolidate` drops by them. Not here: who is right, and poisoning that shows only across documents.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field

from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.stage import Batch
from pipelines.stages.content import contents
from pipelines.stages.vocabulary import load_vocabulary
from sources.teacher.injection import WORDINGS, speaks_to_a_model, unseen_characters

Trust = Literal["high", "medium", "low"]
Turn = dict[str, Any]
Flag = Literal["injection", "hidden", "misinformation"]
FLAGS: tuple[Flag, ...] = ("injection", "hidden", "misinformation")
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("injection", pa.string()),
        pa.field("hidden_share", pa.float32(), nullable=False),
        pa.field("misinformation", pa.map_(pa.string(), pa.int32()), nullable=False),
        pa.field("trust", pa.string(), nullable=False),
        pa.field("safety_flags", pa.list_(pa.string()), nullable=False),
    ]
)
TRUST_BY_KIND: dict[str, Trust] = {
    "guideline": "high", "label": "high", "article": "high", "abstract": "high", "trial": "high", "reference": "medium",
    "mcq": "medium", "synthetic": "medium",
}  # fmt: skip
"""How far each kind of document is trusted; what is not named here, such as replay and dialogue, is low."""


_MAX_MARKERS: dict[Trust, int] = {"medium": 3, "low": 1}


class SafetyConfig(Settings):
    """From where on a finding is a flag, by the trust of the document's source."""

    trust: Annotated[dict[str, Trust], BYTES] = Field(default_factory=dict)
    """How far a source is trusted, by its name; others by the kind of document."""
    max_hidden_share: Annotated[float, Field(ge=0, le=1), BYTES] = 0.01
    """Part of the characters that may be invisible ones."""
    max_markers: Annotated[dict[Trust, int], BYTES] = _MAX_MARKERS
    """Markers of misinformation from which on a document is flagged; a tier that is not named is never flagged."""


class Safety:
    """The stage: one row of findings for each document."""

    name = "safety"
    version = "3"
    reasons: frozenset[str] = frozenset()
    writes = "attributes"

    def __init__(self, config: SafetyConfig) -> None:
        self.config = config
        self._claims = load_vocabulary("misinformation")

    def identity(self) -> dict[str, Any]:
        """Return the settings, and the digests of both lists of wordings."""
        return {**self.config.identity(), "misinformation": self._claims.sha256, "injection": WORDINGS}

    def apply(self, table: pa.Table) -> Batch:
        """Return `SCHEMA` for each document; questions and turns are read as the text is."""
        columns = (table[name].to_pylist() for name in ("id", "source", "kind", "messages"))
        about = zip(*columns, contents(table), strict=True)
        rows = [self._row(*one) for one in about]
        return Batch(pa.Table.from_pylist(rows, schema=SCHEMA))

    def _row(self, document: str, source: str, kind: str, turns: list[Turn] | None, text: str) -> dict[str, Any]:
        trust = self.config.trust.get(source) or TRUST_BY_KIND.get(kind, "low")
        claims = self._claims.matcher.count(text)
        spoken = [turn["content"] or "" for turn in turns if turn["trained"]] if turns else [text]
        family, hidden = next(filter(None, map(speaks_to_a_model, spoken)), None), hidden_share(text)
        flags = {
            "injection": family not in (None, "invisible") and trust != "high",
            "hidden": hidden > self.config.max_hidden_share,
            "misinformation": self._too_many(claims, trust),
        }
        return {
            "id": document,
            "injection": family,
            "hidden_share": hidden,
            "misinformation": sorted(claims.items()),
            "trust": trust,
            "safety_flags": [flag for flag in FLAGS if flags[flag]],
        }

    def _too_many(self, claims: Mapping[str, int], trust: Trust) -> bool:
        return trust in self.config.max_markers and sum(claims.values()) >= self.config.max_markers[trust]


def hidden_share(text: str) -> float:
    """Return the part of a text's characters that are shown nowhere: format and control characters, private use.

    Line ends, tabs, the soft hyphen, and the joiners and marks that scripts need do not count.
    """
    return sum(map(text.count, unseen_characters(text) - _NEEDED)) / max(1, len(text))


_NEEDED = frozenset("\n\t\r\u00ad\u200c\u200d\u200e\u200f\u061c")
