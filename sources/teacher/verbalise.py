"""A case in words without any model: a conversation, a vignette or a case note, by grammar and templates.

What is said comes from the words of the base, so that every finding can be read back; how it is said is drawn from
`grammar.yaml`, by the seed, the patient and the language alone. An evidence is told by its clause, else by its topic
("no fever"), with its values after it, else by its question and an answer. Small children do not speak: their cases are
vignettes and notes. Not here: the reasoning (`reasoning`), and the checks (`differential_checks`).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sources.teacher.case import Case
from sources.teacher.knowledge import Evidence, Knowledge
from sources.teacher.patients import Observation
from sources.teacher.person import Person
from sources.teacher.sample_patients import rng_of

VERSION = "1"
"""Raised when the same case is told otherwise: it decides bytes of every source of differentials."""
FORMS = ("conversation", "vignette", "note")
LANGUAGES = ("en", "fr")
SPEAKS_YEARS = 12
GRAMMAR = Path(__file__).with_name("grammar.yaml")
_AT_ONCE = 3
"""Findings in one sentence, questions in one turn."""
_ELIDED = "aàâeéèêiîoôuyœh"
_ASPIRATED = ("hernie", "haut", "huit")

Choose = Callable[[str, Sequence[str]], str]
"""Draws one of several ways to say something, under the name of the place where it is said."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """A case and its answer. `turns` are the messages before the answer; `template` names the ways that were drawn."""

    form: str
    language: str
    turns: tuple[tuple[str, str], ...]
    answer: str
    template: str = ""

    @property
    def case_text(self) -> str:
        """Return what is said before the answer, one turn a paragraph."""
        return "\n\n".join(content for _, content in self.turns)

    def messages(self) -> list[dict[str, Any]]:
        """Return the chat; the clinician's turns are trained."""
        turns = [*self.turns, ("assistant", self.answer)]
        return [{"role": role, "content": text, "trained": role == "assistant"} for role, text in turns]

    def text(self) -> str:
        """Return the same as plain text, for pure continued pretraining."""
        if self.form != "conversation":
            return f"{self.case_text}\n\n{self.answer}"
        roles = grammar(self.language)["talk"]["roles"]
        gap = " : " if self.language == "fr" else ": "
        return "\n\n".join(f"{roles[turn['role']]}{gap}{turn['content']}" for turn in self.messages())


class Speaker:
    """Draws templates in one language for one case, and remembers which, so that their share can be counted."""

    def __init__(self, case: Case, language: str, seed: int) -> None:
        self.words = grammar(language)
        self.language = language
        self._rng = rng_of("words", seed, language, case.patient.id)
        self._drawn: list[str] = []

    def choose(self, place: str, ways: Sequence[str]) -> str:
        """Return one of the ways, drawn."""
        at = self._rng.randrange(len(ways))
        self._drawn.append(f"{place}{at}")
        return ways[at]

    def say(self, where: str, /, **parts: str) -> str:
        """Return a drawn way of a place of the grammar, filled."""
        return self.choose(where, self.words[where]).format(**parts)

    def join(self, items: Sequence[str]) -> str:
        """Return a list in words: a, b and c."""
        comma, last = self.words["join"]
        return last.join([comma.join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)

    def shuffled(self, items: Sequence[Any]) -> list[Any]:
        """Return items in a drawn order."""
        return random.Random(self._rng.getrandbits(64)).sample(list(items), len(items))  # noqa: S311

    @property
    def template(self) -> str:
        """Return the name of the whole of what was drawn."""
        return " ".join(self._drawn)


def form_of(case: Case, knowledge: Knowledge, forms: Sequence[str], seed: int) -> str:
    """Return the form in which a case is told: drawn, but those who cannot speak for themselves are told."""
    every = [knowledge.evidences[one.code] for one in case.told]
    in_person = all(one.first_person or one.topic or not one.present for one in every)
    speaks = case.patient.age_years >= SPEAKS_YEARS and in_person
    open_forms = [form for form in forms if speaks or form != "conversation"] or ["vignette"]
    return rng_of("form", seed, case.patient.id).choice(open_forms)


def said(evidence: Evidence, one: Observation, language: str, first: bool = False) -> str:
    """Return the clause that tells an observation, empty when the base has none for it."""
    which = "present" if one.present else "absent"
    clauses = evidence.first_person.get(which, {}) if first else getattr(evidence, which)  # type: ignore[call-overload]
    clause = str(clauses.get(language, ""))
    return f"{clause} {value_words(evidence, one, language)}".strip() if clause and one.present else clause


def value_words(evidence: Evidence, one: Observation, language: str) -> str:
    """Return the values of an observation in words, with their unit."""
    words = [evidence.values.get(value, {}).get(language, value) for value in one.values]
    comma, last = grammar(language)["join"]
    joined = last.join([comma.join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
    return f"{joined} {evidence.unit}".strip()


def told(speaker: Speaker, evidence: Evidence, one: Observation) -> tuple[str, str]:
    """Return how an observation is told, "verb", "noun" or "sentence", and the words."""
    language = speaker.language
    if clause := said(evidence, one, language):
        return "verb", clause
    words = nominal(speaker, evidence, one)
    if evidence.topic.get(language) and not one.values:
        return "noun", words
    return "sentence", f"{capital(words)}."


def nominal(speaker: Speaker, evidence: Evidence, one: Observation) -> str:
    """Return an observation without a verb: its topic, denied or with its values, else the question and its answer."""
    language = speaker.language
    topic, values = evidence.topic.get(language, ""), value_words(evidence, one, language)
    if topic and values:
        return str(speaker.words["values"].format(topic=topic, values=values))
    if topic:
        return topic if one.present else no_topic(speaker.words, topic)
    question = evidence.question.get(language, evidence.code).rstrip(" ?:")
    answer = values or speaker.words["answers"]["yes" if one.present else "no"]
    return str(speaker.words["asked"].format(question=question, answer=answer))


def no_topic(words: Any, topic: str) -> str:
    """Return a topic denied: no fever, pas de fièvre, pas d'œdème."""
    elided = topic[0].lower() in _ELIDED and not topic.startswith(_ASPIRATED)
    return str(words["no"].format(topic=topic, de="d'" if elided else "de "))


def sentences(
    speaker: Speaker, knowledge: Knowledge, observed: Sequence[Observation], place: str, they: str
) -> list[str]:
    """Return sentences that tell observations in their order; `place` is "", "_history" or "_absent"."""
    out: list[str] = []
    waiting: list[str] = []
    kind = ""

    def flush() -> None:
        if waiting:
            parts = {"list": speaker.join(waiting), "They": they, "they": lower(they)}
            out.append(speaker.say(f"{kind}s{place}", **parts))
            waiting.clear()

    for one in observed:
        how, words = told(speaker, knowledge.evidences[one.code], one)
        if how != kind or len(waiting) == _AT_ONCE or how == "sentence":
            flush()
        kind = how
        if how == "sentence":
            out.append(words)
        else:
            waiting.append(words)
    flush()
    return out


def parts_of(case: Case, knowledge: Knowledge) -> tuple[list[Observation], list[Observation], list[Observation]]:
    """Return what is there (first what came first), what belongs to the history, and what is absent."""
    there = [one for one in case.told if one.present and not knowledge.evidences[one.code].antecedent]
    there.sort(key=lambda one: one.code != case.patient.initial)
    history = [one for one in case.told if one.present and knowledge.evidences[one.code].antecedent]
    return there, history, [one for one in case.told if not one.present]


def vignette(case: Case, knowledge: Knowledge, speaker: Speaker, person: Person) -> str:
    """Return the case as a paragraph."""
    there, history, absent = parts_of(case, knowledge)
    place = case.setting.name.get(speaker.language, "") if case.setting else ""
    opening = speaker.say("placed" if place else "opening", Who=capital(person.who), who=person.who, place=place)
    out = [opening]
    out += sentences(speaker, knowledge, there[:1] + speaker.shuffled(there[1:]), "", person.later)
    out += sentences(speaker, knowledge, speaker.shuffled(history), "_history", person.later)
    out += sentences(speaker, knowledge, absent, "_absent", person.later)
    return " ".join(out)


def note(case: Case, knowledge: Knowledge, speaker: Speaker, person: Person) -> str:
    """Return the case as a note with headings and one line a finding."""
    words = speaker.words["note"]
    lines = [speaker.choose("title", words["titles"]), words["person"].format(who=person.who)]
    if case.setting:
        lines.append(words["place"].format(place=case.setting.name.get(speaker.language, "")))
    there, history, absent = parts_of(case, knowledge)
    for key, part in (("there", there), ("history", speaker.shuffled(history)), ("absent", absent)):
        if part:
            lines.append(speaker.choose(key, words[key]))
            lines += [f"- {told(speaker, knowledge.evidences[one.code], one)[1].removesuffix('.')}" for one in part]
    return "\n".join(lines)


def lower(text: str) -> str:
    """Return a text with a small first letter."""
    return text[:1].lower() + text[1:]


def capital(text: str) -> str:
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]


@lru_cache(maxsize=2)
def grammar(language: str) -> Any:
    """Return the grammar of a language."""
    return YAML(typ="safe").load(GRAMMAR.read_text(encoding="utf-8"))[language]
