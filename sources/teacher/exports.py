"""What else the attempts are good for: prompts with a gold answer for reinforcement learning, and preference pairs.

A reinforcement row is a question that was asked, with its gold letter and how hard the teacher found it; the prompt is
what a reader sees, so a checker needs only the letter. A pair sets an accepted text against a rejected attempt at the
same question; only attempts that were rejected for what they say count (a wrong answer, an option left out, a quote or
number from nowhere), never those that broke, spoke of themselves or passed on an order from a page. Not here: tables.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from sources.document import Document
from sources.teacher.attempts import Settled
from sources.teacher.made import Tally, said, written_of
from sources.teacher.mcq import Enriched, Question, shown

SAID_BADLY = frozenset({"gold_mismatch", "option_not_treated", "quote_not_found", "number_not_in_evidence"})
_TEXT, _COUNT = pa.string(), pa.int32()
_COMMON = [(name, _TEXT) for name in ("id", "source", "key", "language", "prompt")]
RL = pa.schema(
    [
        *_COMMON,
        ("options", pa.list_(_TEXT)),
        ("gold", _TEXT),
        ("subject", _TEXT),
        ("difficulty", pa.float64()),
        ("answers", _COUNT),
        ("answers_right", _COUNT),
        ("spdx", _TEXT),
        ("attribution", _TEXT),
    ]
)
PREFERENCES = pa.schema(
    [
        *_COMMON,
        ("chosen", _TEXT),
        ("rejected", _TEXT),
        ("reason", _TEXT),
        ("chosen_attempt", _COUNT),
        ("rejected_attempt", _COUNT),
        ("document", _TEXT),
        ("teacher", _TEXT),
        ("spdx", _TEXT),
        ("attribution", _TEXT),
    ]
)


def rl_row(row: Mapping[str, Any], settled: Settled[Question, Enriched], counted: Tally) -> dict[str, Any]:
    """Return the row of `RL` for a question, accepted or not."""
    item = settled.item
    return _common(row, item) | {
        "options": list(item.options),
        "gold": item.letters[item.gold],
        "subject": row["mcq"]["subject"],
        "difficulty": counted.difficulty,
        "answers": counted.asked,
        "answers_right": counted.right,
        "spdx": row["rights"]["spdx"],
        "attribution": row["rights"]["attribution"],
    }


def preference_rows(
    row: Mapping[str, Any], settled: Settled[Question, Enriched], made: Document | None
) -> list[dict[str, Any]]:
    """Return rows of `PREFERENCES`: the accepted attempt against each one that was rejected for what it says."""
    chosen = settled.accepted
    if chosen is None or chosen.draft is None or made is None:
        return []
    pairs = []
    for trial in settled.trials:
        written = written_of(trial)
        if trial.rejected is None or trial.rejected.reason not in SAID_BADLY or written is None:
            continue
        pair = {
            "chosen": said(settled.item, chosen.draft.written, row["language"]),
            "rejected": said(settled.item, written, row["language"]),
            "reason": trial.rejected.reason,
            "chosen_attempt": chosen.sample,
            "rejected_attempt": trial.sample,
            "document": made.id,
            "teacher": f"{trial.request.model}@{trial.request.revision}",
            "spdx": made.rights.spdx,
            "attribution": made.rights.attribution,
        }
        pairs.append(_common(row, settled.item) | pair)
    return pairs


def _common(row: Mapping[str, Any], item: Question) -> dict[str, Any]:
    names = ("id", "source", "key", "language")
    return {name: row[name] for name in names} | {"prompt": shown(item.question, item.options)}
