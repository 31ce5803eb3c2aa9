"""What the turns of a case tell of its findings, each present, absent, or both by contradiction.

First counts what the words of the base tell (`mentions`). A bare yes or no answers the question before it. A finding
that is told by none of these may be told by a word that it alone has in this case (`case_words`), or by its value where
that was asked for ("How long?" "For 1 to 6 days"). Not here: whether the case holds it (`differential_checks`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from sources.teacher.case_words import CaseWords
from sources.teacher.differential_values import values_in
from sources.teacher.lexicon import Lexicon, fold
from sources.teacher.mentions import Mention, Reading
from sources.teacher.patients import Observation
from sources.teacher.roots import words_in

WELL = frozenset(
    "normal normally clear unchanged kept intact preserved good well normale normaux conserve conservee garde gardee"  # noqa: SIM905
    " complete complets completes claire clair intacte libre libres bon bonne bien".split()
)
"""Words that say of a thing that it is as it should be, so that its trouble is not there."""
_LOSS = frozenset(
    "lost loss poor gap gaps missing incomplete scarce perdu perte incomplet manque manquent".split()  # noqa: SIM905
)
"""Words of a finding that is a loss: without appetite is without it."""
_UNABLE = frozenset({"cannot", "peut", "peux", "pouvoir", "arrive"})
"""Words with which a denial tells of what cannot be done, not of what is not there."""
_YES, _NO = {"en": "yes", "fr": "oui"}, {"en": "no", "fr": "non"}


def told_in(words: CaseWords, roles: Sequence[str], readings: Sequence[Reading]) -> list[Mention]:
    """Return what the turns tell of evidences. Places count from the beginning of the first turn."""
    case, evidences = words.case, words.knowledge.evidences
    valued = case.present | (evidences.keys() - case.absent)
    told: list[Mention] = []
    shift = 0
    for at, (role, reading) in enumerate(zip(roles, readings, strict=True)):
        said = [m for m in reading.mentions if m.present is not None and not m.supposed]
        own = [m for m in said if m.is_evidence]
        own += [replace(m, code=m.value_of) for m in said if m.value_of in valued]
        if role == "user" and at:
            own += _short_answer(words.lexicon, reading, readings[at - 1], own)
        told += [replace(m, start=m.start + shift, end=m.end + shift) for m in own]
        shift += len(reading.text)
    return [*told, *_told_otherwise(words, roles, readings, {m.code for m in told})]


def _short_answer(lexicon: Lexicon, answer: Reading, question: Reading, own: list[Mention]) -> list[Mention]:
    first = answer.tokens[0].word if answer.tokens else ""
    language = lexicon.language
    asked = [mention for mention in question.mentions if mention.is_evidence and mention.present is None]
    said = {mention.code for mention in own}
    if first not in (_YES[language], _NO[language]) or not asked or said & {mention.code for mention in asked}:
        return []
    longest = max(mention.end - mention.start for mention in asked)
    present = first == _YES[language]
    return [Mention(m.code, present, 0, len(first), -1) for m in asked if m.end - m.start == longest]


def _told_otherwise(
    words: CaseWords, roles: Sequence[str], readings: Sequence[Reading], told: set[str]
) -> Iterator[Mention]:
    """Yield what is told of the case's other findings, by a word that each alone has, or by its values."""
    for one in words.case.told:
        for role, reading in zip(roles, readings, strict=True) if one.code not in told else ():
            yield from _by_own_words(words, one, reading)
            if one.present and one.values and role == "user" and _tells_value(words, one, reading):
                yield Mention(one.code, True, 0, 0, -1)


def _by_own_words(words: CaseWords, one: Observation, reading: Reading) -> Iterator[Mention]:
    """Yield a mention for each sentence that holds a word of a finding's own: denied where one of them is."""
    asked = {token.sentence for token in reading.tokens if token.word == "?"}
    called = {fold(word) for text in words.called(one.code) for word in words_in(text)}
    spoken: dict[int, list[bool]] = {}
    for at, token in enumerate(reading.tokens):
        if token.word[0].isalpha() and token.sentence not in asked and token.plain in words.own[one.code]:
            spoken.setdefault(token.sentence, []).append(reading.denies(at))
    for sentence, denied in spoken.items():
        start, end = reading.sentence(sentence)
        near = {fold(word) for word in words_in(reading.text[start:end])}
        present = bool(near & _UNABLE) or (bool(called & _LOSS) and not _denies_loss(reading, sentence))
        if not any(denied):
            present = not near & WELL
        yield Mention(one.code, present, start, end, sentence)


def _denies_loss(reading: Reading, sentence: int) -> bool:
    tokens = enumerate(reading.tokens)
    return any(reading.denies(at) for at, token in tokens if token.sentence == sentence and token.word in _LOSS)


def _tells_value(words: CaseWords, one: Observation, reading: Reading) -> bool:
    """Say whether a sentence holds the values of a finding and no other of its values."""
    evidence = words.knowledge.evidences[one.code]
    sentences = [list(tokens) for _, tokens in groupby(reading.tokens, key=lambda token: token.sentence)]
    return any(values_in(reading, tokens, evidence, words.language) == set(one.values) for tokens in sentences)
