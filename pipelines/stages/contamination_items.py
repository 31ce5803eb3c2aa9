"""What a benchmark's item is made of: stem, passage, options, answer and explanation, each apart.

Items come from documents of the run that are for reference only, and from files that the run file names
(`contamination_files`). The passage of a question (a vignette set off by a blank line, the abstract of PubMedQA) is a
part of its own, so that the question alone is found without it. Text of an item never goes into a log, a ledger or a
finding: those hold its key. Not here: what of a part is looked for (`contamination_index`).
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

STEM, PASSAGE, OPTION, ANSWER, EXPLANATION = "stem", "passage", "option", "answer", "explanation"
PARTS = (STEM, PASSAGE, OPTION, ANSWER, EXPLANATION)
OPTIONS = "options"
"""The options of an item taken together, in any order: a part of findings only."""
_PASSAGE_WORDS = 40
_TELLING = re.compile(r"[0-9a-f-]*[0-9][0-9a-f-]*", re.IGNORECASE)


class Part(NamedTuple):
    """One part of an item; `kind` is of `PARTS`."""

    kind: str
    text: str


class Item(NamedTuple):
    """One item; `reference` is the digest of the file it was read from, "" for the run. Options stand in a row."""

    benchmark: str
    reference: str
    key: str
    ids: tuple[str, ...]
    parts: tuple[Part, ...]


def parts_of(question: str, options: list[str], answer: str, explanation: str, passage: str = "") -> tuple[Part, ...]:
    """Return the parts that hold anything, options side by side."""
    options = [option for option in options if option.strip()]
    question = _without_options(question, options)
    if not passage:
        passage, question = _without_passage(question)
    named = [(PASSAGE, passage), (STEM, question), *((OPTION, text) for text in options)]
    named += [(ANSWER, answer), (EXPLANATION, explanation)]
    return tuple(Part(kind, text.strip()) for kind, text in named if text.strip())


def _without_options(question: str, options: list[str]) -> str:
    """Return a question without the lines at its end that repeat all options in their order."""
    at = len(question)
    for option in reversed(options):
        at = question.rfind(option, 0, at)
        if at < 0:
            return question
    line = question.rfind("\n", 0, at)
    return question[:line] if options and line > 0 else question


def _without_passage(question: str) -> tuple[str, str]:
    """Return what stands before the last paragraph of a question, when it is long beside it, and the question."""
    before, blank, last = question.strip().rpartition("\n\n")
    long = len(before.split()) >= max(_PASSAGE_WORDS, 2 * len(last.split()))
    return (before, last) if blank and long else ("", question)


def item_of(row: Mapping[str, Any]) -> Item | None:
    """Return the item that a document for reference holds, None for any other document, and for one without words."""
    if not is_reference(row["extra"]):
        return None
    mcq, turns = row["mcq"], row["messages"] or []
    if mcq:
        options = [option or "" for option in mcq["options"] or []]
        answer = "\n".join(options[place] for place in mcq["gold"] or [] if 0 <= place < len(options))
        parts = parts_of(mcq["question"] or "", options, answer, mcq["explanation"] or "")
    elif turns:
        said = [(turn["role"] == "assistant", turn["content"] or "") for turn in turns]
        question, answer = ("\n\n".join(text for by, text in said if by is wanted) for wanted in (False, True))
        parts = parts_of(question, [], answer, "")
    else:
        parts = parts_of("", [], "", "", passage=row["text"])
    return Item(row["source"], "", row["key"], ids_of(row), parts) if parts else None


def is_reference(extra: str | None) -> bool:
    """Say whether a document is for reference only, from its column `extra`."""
    return bool(extra and "reference_only" in extra and json.loads(extra).get("reference_only"))


def ids_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids by which a document may be known elsewhere: its identifiers, and the name in its key if it tells.

    A name such as `17` or `Text-20` is given to many; one of 16 or more hexadecimal digits is not.
    """
    named = [f"{scheme}:{value}".lower() for scheme, value in row["identifiers"] or [] if value]
    name = row["key"].rpartition("#")[2]
    return tuple(named + [f"name:{name.lower()}"] * is_telling(name))


def is_telling(name: str) -> bool:
    """Say whether an id is unlikely to be given to two things."""
    return len(name) >= 16 and _TELLING.fullmatch(name) is not None
