"""The answer to a case: the reasoning that walks the differential, red flags, next steps, and the ranked list.

For each leading condition: what was told that it is known to show, what it would show that is absent, and what it
leaves unexplained. All of it follows from the base and the case; nothing is weighed here. Tests are those that the
setting has; where the base knows none, the next step is the question that best tells the two leading conditions
apart. Not here: the probabilities, which come with the case.
"""

from sources.teacher.case import LEADING, Case
from sources.teacher.knowledge import Condition, Knowledge
from sources.teacher.patients import Observation
from sources.teacher.verbalise import Speaker, nominal, said

_MAX_LISTED = 6
"""Findings named for or against one condition."""
_MAX_FLAGS = 4
_MAX_TESTS = 4
_SMALLEST_PERCENT, _LARGEST_PERCENT = 1, 99


def answer(case: Case, knowledge: Knowledge, speaker: Speaker, start: str = "") -> str:
    """Return the whole answer; `start` is said before it."""
    percent = {code: _percent(speaker, probability) for code, probability in case.gold}
    paragraphs = [start + speaker.say("opener")]
    for condition in case.conditions(knowledge)[:LEADING]:
        paragraphs.append(_walk(case, knowledge, speaker, condition, percent[condition.code]))
    if flags := _flags(case, knowledge, speaker):
        paragraphs.append(flags)
    paragraphs.append(_next(case, knowledge, speaker))
    lines = [speaker.say("ranked")]
    for number, (code, _) in enumerate(case.gold, 1):
        name = _name(knowledge.conditions[code], speaker)
        lines.append(speaker.words["line"][0].format(n=number, name=name, percent=percent[code]))
    return "\n\n".join([*paragraphs, "\n".join(lines)])


def percent_words(words: dict[str, str], probability: float) -> str:
    """Return a probability in percent, as it is said."""
    rounded = round(probability * 100)
    if _SMALLEST_PERCENT <= rounded <= _LARGEST_PERCENT or probability == 1:
        return words["percent"].format(n=rounded)
    return words["small_percent" if rounded < _SMALLEST_PERCENT else "large_percent"]


def _percent(speaker: Speaker, probability: float) -> str:
    return percent_words(speaker.words, probability)


def _name(condition: Condition, speaker: Speaker) -> str:
    return condition.name.get(speaker.language, condition.code)


def _walk(case: Case, knowledge: Knowledge, speaker: Speaker, condition: Condition, percent: str) -> str:
    supporting = [one for one in case.told if one.present and one.code in condition.evidences]
    opposing = [one for one in case.told if not one.present and not one.values and one.code in condition.evidences]
    unexplained = [
        one
        for one in case.told
        if one.present and one.code not in condition.evidences and not knowledge.evidences[one.code].antecedent
    ]
    out = [speaker.say("consider", name=_name(condition, speaker), percent=percent)]
    for place, observed in (("for", supporting), ("against", opposing), ("unexplained", unexplained)):
        if observed:
            out.append(speaker.say(place, list=_listed(knowledge, speaker, observed[:_MAX_LISTED])))
        elif place == "for":
            out.append(speaker.say("nothing"))
    return " ".join(out)


def _listed(knowledge: Knowledge, speaker: Speaker, observed: list[Observation]) -> str:
    """Return observations as a list that can stand after a colon."""
    return str(speaker.words["list_join"]).join(_in_list(knowledge, speaker, one) for one in observed)


def _in_list(knowledge: Knowledge, speaker: Speaker, one: Observation) -> str:
    evidence, language = knowledge.evidences[one.code], speaker.language
    if clause := said(evidence, one, language):
        return str(speaker.words["subject"].format(said=clause))
    return nominal(speaker, evidence, one)


def _flags(case: Case, knowledge: Knowledge, speaker: Speaker) -> str:
    """Return the paragraph of what must not be missed, empty when nothing of the differential is severe."""
    severe = case.severe(knowledge)
    if not severe:
        return ""
    out = [speaker.say("danger", names=speaker.join([_name(condition, speaker) for condition in severe]))]
    codes = list(dict.fromkeys(code for condition in severe for code in condition.red_flags))
    here = [one for one in case.told if one.present and one.code in codes]
    if here:
        out.append(speaker.say("flags_present", list=_listed(knowledge, speaker, here)))
    watch = flags_to_watch(case, severe)
    words = {code: knowledge.evidences[code].present.get(speaker.language, "") for code in watch}
    if clauses := [clause for code, clause in words.items() if clause and not knowledge.evidences[code].values]:
        out.append(speaker.say("flags_watch", list=_either(speaker, clauses)))
    topics = [knowledge.evidences[code].topic.get(speaker.language, "") for code, clause in words.items() if not clause]
    if topics := list(filter(None, topics)):
        out.append(speaker.say("flags_topics", list=speaker.join(topics)))
    return " ".join(out)


def flags_to_watch(case: Case, severe: list[Condition]) -> list[str]:
    """Return red flags that are not there, taken in turn from the severe conditions, so that each has its say."""
    left = [[code for code in condition.red_flags if code not in case.present] for condition in severe]
    longest = max(map(len, left), default=0)
    turns = [codes[at] for at in range(longest) for codes in left if at < len(codes)]
    return list(dict.fromkeys(turns))[: max(_MAX_FLAGS, len(severe))]


def _either(speaker: Speaker, clauses: list[str]) -> str:
    comma, _ = speaker.words["join"]
    last = " ou " if speaker.language == "fr" else " or "
    return last.join([comma.join(clauses[:-1]), clauses[-1]]) if len(clauses) > 1 else clauses[0]


def _next(case: Case, knowledge: Knowledge, speaker: Speaker) -> str:
    tests = [test.name.get(speaker.language, "") for test in case.next_tests(knowledge)[:_MAX_TESTS]]
    out = [speaker.say("next", list=speaker.words["list_join"].join(tests))] if tests else []
    if not tests and (question := telling_question(case, knowledge, speaker.language)):
        out.append(speaker.say("next_question", list=question))
    return " ".join([*out, speaker.say("refer")])


def telling_question(case: Case, knowledge: Knowledge, language: str) -> str:
    """Return a question about a finding of the first condition that the second does not show, and nobody has told."""
    known = case.present | case.absent
    conditions = case.conditions(knowledge)
    other = conditions[1].evidences if len(conditions) > 1 else frozenset()
    for finding in conditions[0].findings:
        evidence = knowledge.evidences[finding.evidence]
        if evidence.code not in known | other and not evidence.about and evidence.question.get(language):
            return evidence.question[language]
    return ""
