"""Questions and vignettes from one section of a guideline, each answered by that section and by nothing else.

The teacher writes question and answer with verbatim quotes; then it is asked again, with only the section and the
question, whether the section answers it. Accepted is what stands alone, quotes what is there, has no number of its own
making, and is answered again with a quote that is there and numbers that do not contradict. Forms are a plain question
and a short vignette. Not here: which documents may be used (`eligible`), rows and files (`generation`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from pipelines.engine.stage import Rejected
from sources.teacher import attempts, checks
from sources.teacher.answers import read_record
from sources.teacher.injection import speaks_to_a_model
from sources.teacher.passages import Passage, sections_in
from sources.teacher.prompt import boundary, fenced, fill, load_prompt
from sources.teacher.request import Attempt, Request, make_request
from sources.teacher.settings import TeacherSettings
from sources.teacher.tasks import Form

REASONS = attempts.REASONS | {"not_answerable", "answers_disagree"}
TOO_SHORT, TOO_LONG, TO_A_MODEL = "section_too_short", "section_too_long", "speaks_to_a_model"
SECTION_REASONS = (TOO_SHORT, TOO_LONG, TO_A_MODEL)
WRITE = load_prompt("guideline-question", 1)
CHECK = load_prompt("guideline-answerable", 1)
_FORMS: Mapping[str, str] = {
    "question": "one question that a health worker would ask",
    "vignette": "one short vignette (a patient, the place, what is found) that ends in one question",
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Written(_Model):
    """What the teacher writes from a section."""

    question: str
    answer: str
    quotes: list[str]


class Answerable(_Model):
    """What a reader who sees only the section and the question says."""

    answerable: bool
    answer: str
    quote: str


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a document, as a passage, and the form of what is asked of it."""

    passage: Passage
    form: Form

    @property
    def shown(self) -> str:
        """Which section it is, for whoever looks at samples."""
        return f"{self.form} from: {self.passage.path or self.passage.title}"

    @property
    def key(self) -> str:
        """What tells it from other items of its document."""
        return f"{self.passage.document}/{self.passage.start}/{self.form}"


@dataclass(frozen=True, slots=True)
class Grounded:
    """A question and its answer, with quotes as they stand in the section."""

    written: Written
    quotes: tuple[checks.Quote, ...]


def sections_of(row: Mapping[str, Any], limits: tuple[int, int]) -> Iterator[tuple[Passage, str | None]]:
    """Yield each section of a document as a passage, and why it cannot be used.

    `limits` are the least and the most characters. Headings belong to their section; a text without sections is one.
    """
    least, most = limits
    for passage in sections_in(row):
        size = len(passage.text)
        why = TOO_SHORT if size < least else TOO_LONG if size > most else None
        yield passage, why or (TO_A_MODEL if speaks_to_a_model(passage.text) else None)


class AskGuideline:
    """A `Maker` of questions from sections."""

    def __init__(self, teacher: TeacherSettings, seed: int) -> None:
        self._teacher, self._seed = teacher, seed

    def first(self, item: Section, sample: int) -> Request:
        """Ask for a question and its answer."""
        attempt = Attempt(self._seed, f"guideline_qa/{item.key}", sample)
        mark = boundary([item.passage.text], *attempt)
        values = {"mark": mark, "form": _FORMS[item.form], "section": fenced("section", item.passage.text, mark)}
        schema = Written.model_json_schema()
        return make_request(self._teacher, fill(WRITE, values), attempt, prompt=WRITE.name, schema=schema)

    def read(self, item: Section, answer: str) -> Grounded | Rejected:
        """Return a question and answer that hold in themselves, with their quotes found."""
        written = read_record(answer, Written)
        if written is None:
            return Rejected("schema_invalid")
        for piece in (written.question, written.answer):
            if fault := checks.prose_fault(piece):
                return Rejected(fault)
        if checks.new_number([written.answer], [item.passage.text, written.question]):
            return Rejected("number_not_in_evidence")
        quotes = [checks.find_quote(quote, item.passage.text) for quote in written.quotes]
        found = tuple(quote for quote in quotes if quote)
        if not found or len(found) < len(quotes):
            return Rejected("quote_not_found")
        return Rejected("quote_too_short") if any(map(_is_short, found)) else Grounded(written, found)

    def tests(self, item: Section, draft: Grounded, sample: int) -> list[Request]:
        """Ask a reader of the section alone."""
        attempt = Attempt(self._seed, f"guideline_qa/{item.key}/answerable", sample)
        question = draft.written.question
        mark = boundary([item.passage.text, question], *attempt)
        section, asked = fenced("section", item.passage.text, mark), fenced("question", question, mark)
        messages = fill(CHECK, {"mark": mark, "section": section, "question": asked})
        schema = Answerable.model_json_schema()
        return [make_request(self._teacher, messages, attempt, prompt=CHECK.name, schema=schema)]

    def passes(self, item: Section, draft: Grounded, sample: int, answers: Sequence[str]) -> Rejected | None:
        """Reject what the section does not answer, or answers otherwise."""
        reader = read_record(answers[0], Answerable)
        if reader is None:
            return Rejected("schema_invalid", "of the reader")
        if not reader.answerable:
            return Rejected("not_answerable")
        if checks.find_quote(reader.quote, item.passage.text) is None:
            return Rejected("quote_not_found", "of the reader")
        ours, theirs = checks.numbers_in(draft.written.answer), checks.numbers_in(reader.answer)
        return Rejected("answers_disagree") if ours and theirs and not ours & theirs else None


def _is_short(quote: checks.Quote) -> bool:
    return checks.is_too_short(quote.text)
