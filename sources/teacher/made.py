"""Make documents of accepted texts: turns for training, a plain rendering, and how every word came to be.

The plain text is what the turns say, without roles, for continued pretraining. `extra` holds under `generated` what a
later filter may want: gold, evidence with places, quotes, difficulty, cost, seed. Parents are the question and every
document that the teacher was shown, cited or not; rights are the most restrictive of theirs. Not here: what is good.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sources.derived_rights import inherited
from sources.document import Document, document_id, estimate_tokens
from sources.rights import Rights
from sources.teacher.answers import LETTERS, read_record
from sources.teacher.attempts import Settled, Trial, usable
from sources.teacher.guideline_qa import Grounded, Section
from sources.teacher.mcq import Enriched, EnrichMcq, Enrichment, Question, shown
from sources.teacher.request import teacher_column
from sources.teacher.tell_differential import ToldCase
from sources.teacher.verbalise import Rendering

_WORDS = {
    "en": ("Answer", "Why not the others", "Key fact"),
    "fr": ("Réponse", "Pourquoi pas les autres", "À retenir"),
    "es": ("Respuesta", "Por qué no las otras", "Idea clave"),
    "pt": ("Resposta", "Por que não as outras", "Ideia-chave"),
}


class Tally(NamedTuple):
    """How often a question was answered in all attempts and orders, and how often rightly."""

    asked: int
    right: int

    @property
    def difficulty(self) -> float | None:
        """The share of wrong answers, None when there was none to count."""
        return round(1 - self.right / self.asked, 4) if self.asked else None


def tally(maker: EnrichMcq, settled: Settled[Question, Enriched]) -> Tally:
    """Count the answers of all attempts at a question that name an option."""
    item = settled.item
    chosen: list[int | None] = []
    for trial in settled.trials:
        written = written_of(trial)
        chosen.append(item.letters.find(written.answer) if written and written.answer in item.letters else None)
        for turn, (_, answer) in enumerate(trial.tests, 1):
            final = usable(answer)
            chosen.append(maker.chosen(item, trial.sample, turn, final) if isinstance(final, str) else None)
    named = [place for place in chosen if place is not None]
    return Tally(len(named), named.count(item.gold))


def written_of(trial: Trial[Question, Enriched]) -> Enrichment | None:
    """Return what an attempt wrote, also when it was rejected; None when it cannot be read."""
    final = usable(trial.answer)
    return read_record(final, Enrichment) if isinstance(final, str) else None


def said(item: Question, written: Enrichment, language: str | None) -> str:
    """Return an enrichment as the assistant's turn: the reasoning first, then the answer."""
    answer, others, fact = _WORDS.get((language or "en").split("-")[0], _WORDS["en"])
    against = sorted(written.why_wrong, key=lambda one: one.option)
    lines = [f"{one.option}. {one.reason}" for one in against]
    place = LETTERS.find(written.answer)
    option = item.options[place] if 0 <= place < len(item.options) else ""
    return "\n\n".join(
        [
            written.why_right,
            f"{others}:\n" + "\n".join(lines),
            f"{fact}: {written.key_fact}",
            f"{answer}: {written.answer}. {option}",
        ]
    )


def enriched_document(
    source: str, row: Mapping[str, Any], rights: Sequence[Rights], counted: Tally, trial: Trial[Question, Enriched]
) -> Document:
    """Return the document of an accepted enrichment; `row` is the question's, `rights` those of all parents."""
    item, draft = trial.item, trial.draft
    assert draft is not None
    asked, answer = shown(item.question, item.options), said(item, draft.written, row["language"])
    facts = {
        "kind": "mcq",
        "gold": item.letters[item.gold],
        "evidence": [{"document": p.document, "start": p.start, "end": p.end, "path": p.path} for p in item.passages],
        "quotes": [
            {"document": p.document, "start": p.start + q.start, "end": p.start + q.end, "text": q.text}
            for p, q in draft.quotes
        ],
        "why_wrong": {one.option: one.reason for one in draft.written.why_wrong},
        "key_fact": draft.written.key_fact,
        "difficulty": counted.difficulty,
        "answers": counted.asked,
        "answers_right": counted.right,
    }
    mcq = {**row["mcq"], "explanation": draft.written.why_right}
    parents = [row["id"], *(p.document for p in item.passages)]
    return _document(source, f"mcq/{item.id}", trial, _Text(asked, answer, facts, parents, mcq), row, rights)


def asked_document(
    source: str, row: Mapping[str, Any], rights: Sequence[Rights], trial: Trial[Section, Grounded]
) -> Document:
    """Return the document of an accepted question from a section of the document of `row`."""
    item, draft = trial.item, trial.draft
    assert draft is not None
    place = item.passage
    facts = {
        "kind": "guideline_qa",
        "form": item.form,
        "section": {"document": place.document, "start": place.start, "end": place.end, "path": place.path},
        "quotes": [
            {"document": place.document, "start": place.start + q.start, "end": place.start + q.end, "text": q.text}
            for q in draft.quotes
        ],
    }
    text = _Text(draft.written.question, draft.written.answer, facts, [row["id"]])
    return _document(source, f"guideline_qa/{item.key}", trial, text, row, rights)


def told_document(
    source: str, row: Mapping[str, Any], rights: Sequence[Rights], trial: Trial[ToldCase, Rendering]
) -> Document:
    """Return the document of an accepted telling of the differential in `row`, with the facts of that."""
    rendering = trial.draft
    assert rendering is not None
    facts = {"kind": "differential", **json.loads(row["extra"])["differential"], "template": None}
    text = _Text(rendering.text(), "", facts, [row["id"]], messages=rendering.messages())
    return _document(source, f"differential/{row['id']}", trial, text, row, rights)


class _Text(NamedTuple):
    asked: str
    answer: str
    facts: dict[str, Any]
    parents: list[str]
    mcq: dict[str, Any] | None = None
    messages: list[dict[str, Any]] | None = None
    """Of a text of more than two turns, of which `asked` is then all."""


def _document(
    source: str, key: str, trial: Trial[Any, Any], text: _Text, row: Mapping[str, Any], rights: Sequence[Rights]
) -> Document:
    plain = f"{text.asked}\n\n{text.answer}".rstrip()
    facts = text.facts | {"cost": cost_of([trial]), "seed": trial.request.seed, "served": trial.answer.served}
    return Document(
        id=document_id(source, key, None),
        kind="synthetic",
        source=source,
        key=key,
        text=plain,
        messages=text.messages
        or [
            {"role": "user", "content": text.asked, "trained": False},
            {"role": "assistant", "content": text.answer, "trained": True},
        ],
        language=row["language"],
        rights=inherited(rights[0], rights[1:]),
        parents=list(dict.fromkeys(text.parents)),
        teacher=teacher_column(trial.request),
        mcq=text.mcq,
        tokens=estimate_tokens(plain),
        extra=json.dumps({"generated": facts}, sort_keys=True, ensure_ascii=False),
    )


def cost_of(trials: Iterable[Trial[Any, Any]]) -> dict[str, Any]:
    """Return calls, tokens and money of attempts, as the journal holds them."""
    answers = [answer for trial in trials for answer in trial.answers]
    return {
        "calls": len(answers),
        "prompt_tokens": sum(answer.prompt_tokens for answer in answers),
        "completion_tokens": sum(answer.completion_tokens for answer in answers),
        "money": round(sum(answer.cost for answer in answers), 9),
    }
