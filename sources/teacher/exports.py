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
from sources.teacher.answers import read_record
from sources.teacher.attempts import Settled, Trial, usable
from sources.teacher.made import Tally, said, written_of
from sources.teacher.marked_answer import Parts
from sources.teacher.mcq import Enriched, Question, shown
from sources.teacher.tell_differential import Told, ToldCase, parts_of
from sources.teacher.verbalise import Rendering

SAID_BADLY = frozenset({"gold_mismatch", "option_not_treated", "quote_not_found", "number_not_in_evidence"})
ANSWERED_BADLY = frozenset(
    {
        *("disease_added", "disease_lost", "differential_reordered", "probability_changed"),
        *("red_flag_missing", "beyond_resources", "next_step_missing", "next_step_invented"),
    }
)
"""What is found last, so the case itself was told rightly, and the answers of both attempts are to the same facts."""
_NAMED = ("id", "source", "key", "language")
_TEXT, _COUNT = pa.string(), pa.int32()
_COMMON = [(name, _TEXT) for name in (*_NAMED, "prompt")]
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
        texts = {
            "chosen": said(settled.item, chosen.draft.written, row["language"]),
            "rejected": said(settled.item, written, row["language"]),
        }
        pairs.append(_common(row, settled.item) | texts | _pair(chosen, trial, trial.rejected.reason, made))
    return pairs


def telling_rows(
    row: Mapping[str, Any], settled: Settled[ToldCase, Rendering], made: Document | None
) -> list[dict[str, Any]]:
    """Return rows of `PREFERENCES` for answers to one case: of attempts that told the case rightly and then erred."""
    chosen = settled.accepted
    if chosen is None or chosen.draft is None or made is None:
        return []
    common = {name: row[name] for name in _NAMED} | {"prompt": chosen.draft.case_text, "chosen": chosen.draft.answer}
    ranked = chosen.draft.answer.rpartition("\n\n")[2]
    return [
        common | {"rejected": f"{written.text}\n\n{ranked}"} | _pair(chosen, trial, trial.rejected.reason, made)
        for trial in settled.trials
        if trial.rejected is not None and trial.rejected.reason in ANSWERED_BADLY and (written := _told(trial))
    ]


def _told(trial: Trial[ToldCase, Rendering]) -> Parts | None:
    """Return the answer of an attempt as it was written, without its marks."""
    final = usable(trial.answer)
    told = read_record(final, Told) if isinstance(final, str) else None
    return parts_of(told) if told else None


def _pair(chosen: Trial[Any, Any], rejected: Trial[Any, Any], reason: str, made: Document) -> dict[str, Any]:
    return {
        "reason": reason,
        "chosen_attempt": chosen.sample,
        "rejected_attempt": rejected.sample,
        "document": made.id,
        "teacher": f"{rejected.request.model}@{rejected.request.revision}",
        "spdx": made.rights.spdx,
        "attribution": made.rights.attribution,
    }


def _common(row: Mapping[str, Any], item: Question) -> dict[str, Any]:
    return {name: row[name] for name in _NAMED} | {"prompt": shown(item.question, item.options)}
