"""Turn every multiple-choice set into one form: question, options, gold, explanation, split, subject.

Options: those of `sources.parse.record_rows`; `fields` with question, options, gold, and where there are any
explanation, context, subject, split, gold_text (checked against gold), image (a question that needs one is a
fault), question_end (a mark after which the question repeats its options), and the describing fields of
`records`; `layout` and `gold_is` (see `sources.parse.mcq_options`); `split`, `language` and `subject` for the whole
set; `answer_word`. Each row gives one part or one fault. Not here: which split may be trained on.
"""

from collections.abc import Iterator
from typing import Any

from sources.parse.mcq_options import GOLD_KINDS, LAYOUTS, Option, gold_of, options_of, shown
from sources.parse.part import Fault, Part
from sources.parse.record_fields import Row, RowError, is_selected, leading_names, plain_of, text_of
from sources.parse.record_rows import read_rows
from sources.parse.records import described, name_once

FIELDS = {
    "question", "options", "gold", "explanation", "context", "subject", "split", "gold_text", "image", "name", "title",
    "url", "language", "published", "identifiers", "extra",
}  # fmt: skip


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield a part or a fault for each question. Raises Unreadable for a bad item, ValueError for bad options."""
    fields = {"question": "question", "options": "options", "gold": "answer"} | options.get("fields", {})
    layout, gold_is = options.get("layout", "letters"), options.get("gold_is", "label")
    if unknown := sorted(fields.keys() - FIELDS):
        raise ValueError(f"mcq: unknown field {unknown[0]!r}; known are {', '.join(sorted(FIELDS))}")
    if layout not in LAYOUTS or gold_is not in GOLD_KINDS:
        raise ValueError(f"mcq: layout {layout!r} must be of {LAYOUTS}, gold_is {gold_is!r} of {GOLD_KINDS}")
    named = {name: spec for name, spec in fields.items() if name != "options" or layout != "fixed"}
    rows = read_rows(body, key, options, set(leading_names(named)))
    yield from name_once(_part(row, fields, options) for row in rows)


def _part(row: Row | Fault, fields: dict[str, Any], options: dict[str, Any]) -> Part | Fault | None:
    if isinstance(row, Fault):
        return row
    try:
        return _question(row, fields, options) if is_selected(row, options.get("where", {})) else None
    except RowError as error:
        return Fault(reason=error.reason, detail=error.detail, name=row.name)


def _question(row: Row, fields: dict[str, Any], options: dict[str, Any]) -> Part:
    if plain_of(row, fields.get("image")):
        raise RowError("needs_image", "the question refers to a picture")
    offered = options_of(row, fields["options"], options.get("layout", "letters"))
    places = gold_of(row, fields["gold"], offered, options.get("gold_is", "label"), options.get("gold_separator", ""))
    _check_gold_text(row, fields.get("gold_text"), [offered[place] for place in places])
    order = shown(offered)
    if len(order) < 2:
        raise RowError("too_few_options", f"{len(order)}")
    kept, letters = [place for place, _ in order], [name for _, name in order]
    texts = [offered[place].text for place in kept]
    question = _stem(text_of(row, fields["question"]).strip(), texts, options.get("question_end", ""))
    context = plain_of(row, fields.get("context"))
    mcq = {
        "question": f"{context}\n\n{question}" if context else question,
        "options": texts,
        "gold": sorted(kept.index(place) for place in places),
        "explanation": plain_of(row, fields.get("explanation")),
        "split": plain_of(row, fields.get("split")) or options.get("split"),
        "subject": plain_of(row, fields.get("subject")) or options.get("subject"),
    }
    text = rendered(mcq, letters, options.get("answer_word", "Answer"))
    part = Part(text=text, kind="mcq", mcq=mcq, **described(row, fields))
    part.language = part.language or options.get("language")
    return part


def _check_gold_text(row: Row, spec: Any, gold: list[Option]) -> None:
    """Refuse a row whose answer is given twice, by name and by text, and the two differ."""
    said = plain_of(row, spec)
    if said is not None and said not in {option.text for option in gold}:
        raise RowError("gold_not_in_options", "the answer's text is that of another option")


def _stem(question: str, texts: list[str], mark: str) -> str:
    """Cut the options off a question that repeats them after `mark`; whole when they are not all there."""
    stem, found, rest = question.rpartition(mark) if mark else (question, "", "")
    return stem.strip() if found and all(text in rest for text in texts) and stem.strip() else question


def rendered(mcq: dict[str, Any], letters: list[str], answer_word: str) -> str:
    """Return a question as plain text: question, lettered options, answer, explanation, blank lines between."""
    lines = [f"{name}. {text}" for name, text in zip(letters, mcq["options"], strict=True)]
    answer = f"{answer_word}: " + "; ".join(lines[place] for place in mcq["gold"])
    return "\n\n".join(filter(None, [mcq["question"], "\n".join(lines), answer, mcq["explanation"]]))
