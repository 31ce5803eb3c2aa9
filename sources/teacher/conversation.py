"""A case as a conversation of clinician and patient: questions of the base, answers in the first person.

The patient opens with age, sex and what came first; then the clinician asks, up to three questions a turn, and the
patient answers each with a whole clause or with the topic, never with a bare yes or no, so that no answer hangs on
its place. The last turn, the reasoning, is not made here.
"""

from sources.teacher.case import Case
from sources.teacher.knowledge import Knowledge
from sources.teacher.patients import Observation
from sources.teacher.person import Person
from sources.teacher.verbalise import Speaker, capital, lower, nominal, parts_of, said

_AT_ONCE = 3


def conversation(case: Case, knowledge: Knowledge, speaker: Speaker, person: Person) -> list[tuple[str, str]]:
    """Return the turns (role, content) before the clinician's last."""
    talk = speaker.words["talk"]
    there, history, absent = parts_of(case, knowledge)
    me = speaker.choose("me", talk["me"]).format(age=person.age, a=person.article, person=person.noun)
    opening = [me]
    rest = [*there, *speaker.shuffled([*history, *absent])]
    if there:
        opening.append(
            capital(speaker.choose("first", talk["first"]).format(said=_answer(speaker, knowledge, there[0])))
        )
        rest = rest[1:]
    turns = [("assistant", speaker.choose("greeting", talk["greeting"])), ("user", " ".join(opening))]
    for at in range(0, len(rest), _AT_ONCE):
        group = rest[at : at + _AT_ONCE]
        questions = " ".join(_question(speaker, knowledge, one) for one in group)
        turns.append(("assistant", speaker.choose("asks", talk["asks"]).format(questions=questions)))
        turns.append(("user", " ".join(_whole_answer(speaker, knowledge, one) for one in group)))
    return turns


def _question(speaker: Speaker, knowledge: Knowledge, one: Observation) -> str:
    evidence = knowledge.evidences[one.code]
    question = evidence.question.get(speaker.language) or evidence.topic.get(speaker.language, one.code)
    return question if question.rstrip().endswith(("?", ":")) else f"{question}?"


def _whole_answer(speaker: Speaker, knowledge: Knowledge, one: Observation) -> str:
    """Return the answer as a sentence; with yes or no before it where that is an answer to the question."""
    answer = _answer(speaker, knowledge, one)
    evidence = knowledge.evidences[one.code]
    if evidence.type != "binary" or not (evidence.first_person or evidence.topic):
        return f"{capital(answer)}."
    return str(speaker.words["talk"]["is_there" if one.present else "is_absent"].format(said=answer))


def _answer(speaker: Speaker, knowledge: Knowledge, one: Observation) -> str:
    evidence, language = knowledge.evidences[one.code], speaker.language
    if clause := said(evidence, one, language, first=True):
        return clause if clause.startswith(("I ", "I'")) else lower(clause)
    return nominal(speaker, evidence, one)
