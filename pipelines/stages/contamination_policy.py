"""What is done about findings of contamination: nothing, a cut, or the loss of the document.

Settings of `consolidate`, so that another threshold costs one pass over columns. A text of a kind that is cut loses
the sentences that hold an item; what holds items in turns or fields, shares an item's id, is a short stretch of one,
or would keep too little, is dropped. Not here: finding (`decontaminate`), where sentences end (`contamination_cut`).
"""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from pipelines.engine.settings import BYTES, Settings
from pipelines.stages.contamination_evidence import RECORDED
from pipelines.stages.contamination_units import TEXT

Share = Annotated[float, Field(ge=RECORDED, le=1), BYTES]
_WHOLE_RULES = ("whole", "pair", "options")
INSIDE_RULE = "inside"
ID_RULE = "id"
NOTHING, CUT_OUT, DROP = "nothing", "cut", "drop"


class ContaminationPolicy(Settings):
    """From which findings on a document is cut or dropped."""

    min_share: Share = 0.5
    """Share of the word sequences of a stem, passage or explanation that stand close together in the document."""
    min_answer_share: Share = 0.8
    """The same for an answer, which may be said anywhere in other words of the field."""
    min_inside_share: Share = 0.8
    """Share of a short text's word sequences that stand in one part of an item."""
    min_matched: Annotated[int, Field(ge=1), BYTES] = 5
    """Word sequences that must agree, unless all do."""
    max_documents: Annotated[int, Field(ge=1), BYTES] = 50
    """Short parts and options found in more documents of the run are phrases, and no leak."""
    cut_kinds: Annotated[tuple[str, ...], BYTES] = (
        "guideline", "article", "abstract", "label", "trial", "reference", "replay",
    )  # fmt: skip
    """Kinds of documents whose text is cut; others are dropped whole."""
    min_left_tokens: Annotated[int, Field(ge=0), BYTES] = 32
    """A document of which a cut leaves less is dropped."""


class Verdict(NamedTuple):
    """The findings that count, what is done, and the spans of the text to cut."""

    findings: list[Mapping[str, Any]]
    action: str
    spans: list[tuple[int, int]]

    @property
    def detail(self) -> str:
        """The strongest finding by keys and numbers, never by text."""
        one = max(self.findings, key=lambda f: (f["score"], f["matched"]))
        told = f"{one['benchmark']}: {one['item']}, {one['part']}, {one['rule']} {one['score']:.2f}"
        return told + (f", and {len(self.findings) - 1} more" if len(self.findings) > 1 else "")


CLEAN = Verdict([], NOTHING, [])


def counts(finding: Mapping[str, Any], policy: ContaminationPolicy) -> bool:
    """Say whether a finding is contamination."""
    rule, score = finding["rule"], finding["score"]
    if rule == ID_RULE:
        return True
    if rule in _WHOLE_RULES:
        return bool(finding["documents"] <= policy.max_documents)
    least = policy.min_answer_share if finding["part"] == "answer" else policy.min_share
    if rule == INSIDE_RULE:
        least = policy.min_inside_share
    return bool(score >= least and (finding["matched"] >= policy.min_matched or score == 1))


def verdict(kind: str, findings: list[Mapping[str, Any]] | None, policy: ContaminationPolicy) -> Verdict:
    """Return what is done about a document of a kind with these findings."""
    told = [one for one in findings or [] if counts(one, policy)]
    if not told:
        return CLEAN
    in_text = all(one["unit"] == TEXT and one["rule"] != INSIDE_RULE for one in told)
    if not in_text or kind not in policy.cut_kinds:
        return Verdict(told, DROP, [])
    return Verdict(told, CUT_OUT, sorted((one["start"], one["end"]) for one in told))
