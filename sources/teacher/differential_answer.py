"""Checks of an answer: the ranked list is the gold, no other disease is named, and dangers are pointed out.

The ranked list is the last run of numbered lines, else the order in which conditions are first named. In the
paragraphs that warn must stand every condition of severity 2 or worse by its name, and every warning sign of theirs
that the patient has. Not here: the walk (`walk`), next steps (`steps`), and what the answer says of findings
(`claims`).
"""

from collections.abc import Iterator

from sources.teacher.blocks import PERCENT, Blocks
from sources.teacher.case import Case
from sources.teacher.case_words import CaseWords
from sources.teacher.lexicon import DISEASE, OTHER, fold, stem
from sources.teacher.mentions import Reading
from sources.teacher.roots import words_in
from sources.teacher.steps import step_faults
from sources.teacher.walk import is_share, walk_faults


def answer_faults(words: CaseWords, answer: Reading) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with an answer."""
    blocks = Blocks(answer)
    yield from _list_faults(words, blocks)
    yield from walk_faults(words.case, blocks)
    yield from _danger_faults(words, blocks)
    yield from step_faults(words, blocks)


def _list_faults(words: CaseWords, blocks: Blocks) -> Iterator[tuple[str, str]]:
    case, lines = words.case, blocks.lines
    gold, named = [code for code, _ in case.gold], named_conditions(words, blocks)
    ranked = [_disease_in(blocks.answer, *span) for _, span in lines] or named
    listed = [code for code in ranked if code]
    if "" in ranked:
        yield "disease_added", "a line of the list names no condition of the base"
    for code in sorted({*listed, *named} - set(gold)):
        yield "disease_added", code
    for code in gold:
        if code not in listed:
            yield "disease_lost", code
    common = [code for code in gold if code in listed]
    if [code for code in dict.fromkeys(listed) if code in gold] != common:
        yield "differential_reordered", ""
    yield from _share_faults(case, ranked, [text for text, _ in lines])


def _share_faults(case: Case, ranked: list[str], lines: list[str]) -> Iterator[tuple[str, str]]:
    probabilities = dict(case.gold)
    for code, text in zip(ranked, lines, strict=False):
        said = PERCENT.search(text)
        if code in probabilities and said and not is_share(text, float(said[1].replace(",", ".")), probabilities[code]):
            yield "probability_changed", code


def _disease_in(answer: Reading, start: int, end: int) -> str:
    """Return the condition that is named first in a stretch of the answer, empty when none is."""
    named = [m for m in answer.mentions if m.code.startswith(DISEASE) and start <= m.start < end]
    return named[0].code.removeprefix(DISEASE) if named else ""


def named_conditions(words: CaseWords, blocks: Blocks) -> list[str]:
    """Return the conditions in the order in which they are first named; parts of ranked names are no other disease."""
    text = blocks.answer.text
    named = [
        mention.code.removeprefix(DISEASE)
        for mention in blocks.named
        if mention.code != DISEASE + OTHER
        or any(
            stem(fold(word), words.language) not in words.answer_stems
            for word in words_in(text[mention.start : mention.end])
        )
    ]
    return list(dict.fromkeys(named))


def _danger_faults(words: CaseWords, blocks: Blocks) -> Iterator[tuple[str, str]]:
    case, answer = words.case, blocks.answer
    near = [m for m in answer.mentions if any(start <= m.start < end for start, end in blocks.warning)]
    pointed_out = {m.value_of or m.code for m in near}
    spoken = [word for start, end in blocks.warning for word in words_in(answer.text[start:end])]
    names = words.names
    for condition in case.severe(words.knowledge):
        if DISEASE + condition.code not in pointed_out and not any(w in names[condition.code] for w in spoken):
            yield "red_flag_missing", condition.code
        for code in condition.red_flags:
            if code in case.present and code not in pointed_out and not any(w in words.own[code] for w in spoken):
                yield "red_flag_missing", code
