"""Enrich multiple-choice questions: why the right option is right, why the others are not, with evidence that is there.

The teacher never sees the gold answer. A text is accepted only if its answer is gold, also when the options come in
another order; every other option is treated; each quote stands in the passage that it names; and the prose passes
`checks`. The gold answer alone decides, so a page that talks the teacher into another one costs an attempt and nothing
more. Options keep their letters in the text, as the first request shows them in the document's own order. Not here:
rows and files (`generation`), contamination (a later stage of every run).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from pipelines.engine.hashing import derive_seed
from pipelines.engine.stage import Rejected
from sources.teacher import attempts, checks
from sources.teacher.answers import LETTERS, letter_of, read_record
from sources.teacher.injection import speaks_to_a_model
from sources.teacher.passages import Passage
from sources.teacher.prompt import Prompt, boundary, fenced, fill, load_prompt
from sources.teacher.request import Attempt, Request, make_request
from sources.teacher.settings import TeacherSettings

REASONS = attempts.REASONS | {"gold_mismatch", "option_not_treated", "inconsistent"}
NO_QUESTION = ("no_question", "no_gold", "several_gold", "malformed_question", "speaks_to_a_model")
LEAST_REASON_CHARS = 15
ENRICH = load_prompt("mcq-enrich", 1)
CHOOSE = load_prompt("mcq-choose", 1)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Against(_Model):
    """Why an option is not the best."""

    option: str
    reason: str


class Cited(_Model):
    """Words of a passage, by the name under which it was shown."""

    passage: str
    text: str


class Enrichment(_Model):
    """What the teacher writes about a question."""

    answer: str
    why_right: str
    why_wrong: list[Against]
    key_fact: str
    quotes: list[Cited]

    def prose(self) -> list[str]:
        """Every piece that is meant for training."""
        return [self.why_right, *(one.reason for one in self.why_wrong), self.key_fact]


class Choice(_Model):
    """The letter alone, for another order of the options."""

    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question with one right option (`gold` counts from 0), and the passages that the teacher is shown with it."""

    id: str
    question: str
    options: tuple[str, ...]
    gold: int
    passages: tuple[Passage, ...]

    @property
    def shown(self) -> str:
        """The question with its options, as a reader sees it."""
        return shown(self.question, self.options)

    @property
    def letters(self) -> str:
        """The letters of its options, in order."""
        return LETTERS[: len(self.options)]


@dataclass(frozen=True, slots=True)
class Enriched:
    """An enrichment that was read and found good, and its quotes as they stand: (passage, quote)."""

    written: Enrichment
    quotes: tuple[tuple[Passage, checks.Quote], ...]


def why_no_question(mcq: Mapping[str, Any] | None) -> str | None:
    """Return why a row cannot be asked as one with one right option (of `NO_QUESTION`), None when it can."""
    if mcq is None:
        return "no_question"
    options, gold = mcq["options"] or [], mcq["gold"] or []
    if len(gold) != 1:
        return "no_gold" if not gold else "several_gold"
    usable = 2 <= len(options) <= len(LETTERS) and 0 <= gold[0] < len(options) and all(o and o.strip() for o in options)
    if not usable or not (mcq["question"] or "").strip():
        return "malformed_question"
    return "speaks_to_a_model" if speaks_to_a_model(shown(mcq["question"], options)) else None


def shown(question: str, options: Sequence[str]) -> str:
    """Return a question with its options lettered, as a reader sees it."""
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    return f"{question}\n\n" + "\n".join(lines)


class EnrichMcq:
    """A `Maker` of enrichments; `orders` counts the orders of the options in which the answer must be gold."""

    def __init__(self, teacher: TeacherSettings, seed: int, orders: int) -> None:
        self._teacher, self._seed, self._orders = teacher, seed, orders

    def first(self, item: Question, sample: int) -> Request:
        """Ask for the enrichment, options in the document's own order."""
        attempt = Attempt(self._seed, f"mcq/{item.id}", sample)
        return self._request(item, item.options, attempt, ENRICH, Enrichment.model_json_schema())

    def read(self, item: Question, answer: str) -> Enriched | Rejected:
        """Return an enrichment that holds in itself, with its quotes found."""
        written = read_record(answer, Enrichment)
        if written is None or written.answer not in item.letters:
            return Rejected("schema_invalid")
        if written.answer != item.letters[item.gold]:
            return Rejected("gold_mismatch", f"{written.answer} for {item.letters[item.gold]}")
        return _treated(item, written) or _sound(item, written) or _quoted(item, written)

    def tests(self, item: Question, draft: Enriched, sample: int) -> list[Request]:
        """Ask for the letter alone in each other order."""
        requests = []
        for turn in range(1, self._orders):
            options = [item.options[place] for place in self._order(item, sample, turn)]
            attempt = Attempt(self._seed, f"mcq/{item.id}/order-{turn}", sample)
            requests.append(self._request(item, options, attempt, CHOOSE, Choice.model_json_schema()))
        return requests

    def passes(self, item: Question, draft: Enriched, sample: int, answers: Sequence[str]) -> Rejected | None:
        """Reject an answer that moves with the order of the options."""
        for turn, answer in enumerate(answers, 1):
            if self.chosen(item, sample, turn, answer) != item.gold:
                return Rejected("inconsistent", f"order {turn}")
        return None

    def chosen(self, item: Question, sample: int, turn: int, answer: str) -> int | None:
        """Return the option (counted in the document's order) that an answer in another order names, None for none."""
        order = self._order(item, sample, turn)
        choice = read_record(answer, Choice)
        letter = choice.answer if choice else letter_of(answer, [item.options[place] for place in order])
        return order[LETTERS.index(letter)] if letter and letter in item.letters else None

    def _order(self, item: Question, sample: int, turn: int) -> list[int]:
        """Return an order of the options in which gold stands elsewhere than in the other orders, as far as it can."""
        others = [place for place in range(len(item.options)) if place != item.gold]
        random.Random(derive_seed("order", self._seed, item.id, sample, turn)).shuffle(others)  # noqa: S311
        at = (item.gold + turn) % len(item.options)
        return [*others[:at], item.gold, *others[at:]]

    def _request(
        self, item: Question, options: Sequence[str], attempt: Attempt, prompt: Prompt, schema: dict[str, Any]
    ) -> Request:
        schema["properties"]["answer"]["enum"] = list(item.letters)
        question, texts = shown(item.question, options), [passage.text for passage in item.passages]
        mark = boundary([question, *texts], attempt.seed, attempt.item, attempt.sample)
        passages = [fenced(f"passage P{n}", text, mark) for n, text in enumerate(texts, 1)]
        values = {"mark": mark, "question": fenced("question", question, mark), "passages": "\n\n".join(passages)}
        return make_request(self._teacher, fill(prompt, values), attempt, prompt=prompt.name, schema=schema)


def _treated(item: Question, written: Enrichment) -> Rejected | None:
    """Reject an enrichment that leaves an option out, or says the same of two."""
    others = sorted(set(item.letters) - {written.answer})
    reasons = {one.option: one.reason.strip() for one in written.why_wrong}
    if sorted(one.option for one in written.why_wrong) != others:
        return Rejected("option_not_treated", ", ".join(sorted(set(others) ^ set(reasons))) or "one of them twice")
    short = [letter for letter, reason in reasons.items() if len(reason) < LEAST_REASON_CHARS]
    same = len(set(reasons.values())) < len(reasons)
    return Rejected("option_not_treated", ", ".join(short) or "the same words for two") if short or same else None


def _sound(item: Question, written: Enrichment) -> Rejected | None:
    """Reject prose that must not be trained on, and numbers that neither the question nor a passage holds."""
    for piece in written.prose():
        if fault := checks.prose_fault(piece):
            return Rejected(fault)
    shown_texts = [shown(item.question, item.options), *(passage.text for passage in item.passages)]
    return Rejected("number_not_in_evidence") if checks.new_number(written.prose(), shown_texts) else None


def _quoted(item: Question, written: Enrichment) -> Enriched | Rejected:
    """Return the enrichment with its quotes as they stand in their passages."""
    names = {f"P{n}": passage for n, passage in enumerate(item.passages, 1)}
    found: list[tuple[Passage, checks.Quote]] = []
    for cited in written.quotes:
        passage = names.get(cited.passage)
        quote = checks.find_quote(cited.text, passage.text) if passage else None
        if passage is None or quote is None:
            return Rejected("quote_not_found", cited.passage if passage is not None else "no such passage")
        if checks.is_too_short(quote.text):
            return Rejected("quote_too_short", cited.passage)
        if speaks_to_a_model(quote.text):
            return Rejected("injected", cited.passage)
        found.append((passage, quote))
    if not found:
        return Rejected("quote_not_found", "no quote")
    free = [item.question, *item.options, *(quote.text for _, quote in found)]
    sources = [ENRICH.system, *(passage.text for passage in item.passages)]
    if checks.copies(written.prose(), sources, free):
        return Rejected("copied_not_quoted")
    return Enriched(written, tuple(found))
