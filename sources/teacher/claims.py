"""What an answer claims of its patient, told from what it says of diseases.

"She has no fever" is a claim, and so are "Against: no fever", "her chills" and "For: fever, chills"; "it would explain
the fever", "malaria does not stiffen the neck", "come back if she convulses" and "look for pallor" are none. Who a
clause speaks of is told by the nearest subject before a finding: the patient, or a disease, "it" and the verbs of
explaining. Where that is open nothing is claimed: an answer is judged by what it says for certain, as its case has
been judged word for word. Not here: what may be claimed (`differential_checks`).
"""

import re
from bisect import bisect_left
from dataclasses import replace

from sources.teacher.lexicon import DISEASE, TEST
from sources.teacher.mentions import Mention, Reading

_SUBJECTS = {"en": frozenset({"he", "she"}), "fr": frozenset[str]()}
_EXISTING = {
    "en": {("there", verb) for verb in ("is", "are", "was", "were")},
    "fr": {("y", "a"), ("y", "avait"), ("on", "note"), ("on", "retrouve"), ("on", "constate")},
}
_PATIENTS = {
    "en": frozenset("patient child baby infant newborn girl boy woman man mother".split()),  # noqa: SIM905
    "fr": frozenset(
        "patient patiente enfant nourrisson bebe malade homme femme garcon fille fillette dame mere".split()  # noqa: SIM905
    ),
}
_DEFINITE = frozenset({"the", "this", "le", "la", "l", "ce", "cet", "cette"})
_OTHERS = {
    "en": frozenset("it they this that these those which what none nothing neither who whoever one all both".split()),  # noqa: SIM905
    "fr": frozenset("elle il ils elles ce cela ca qui que qu dont rien tout tous toutes c".split()),  # noqa: SIM905
}
_EXPLAINING = {
    "en": re.compile(
        r"(?:explain|account|fit|suit|caus|giv|gave|mak|made|leav|left|bring|brought|point|match|belong|expect|speak|spoke"
        r"|favour|favor|argu|driv|produc|lead|led|need|risk|cover|answer|carr|share|follow|support|surpris|start|begin|began"
        r"|compatib|typical|usual|could|would|may|might|can|cannot|should|must|if|when|unless|until|whether|before)"
    ),
    "fr": re.compile(
        r"(?:expliqu|rend|donn|fai|caus|entrain|evoqu|peu|pourr|devr|si$|quand|lorsqu|colle|cadr|convien|prolong|augment|coup"
        r"|attend|compatib|typique|habituel|risqu|mene|produi|laiss|appartien|relev|soutien|plaid|serai|aurai|avant|ne$)"
    ),
}
_DENYING = {
    "en": frozenset({"no", "without", "absence", "lack"}),
    "fr": frozenset({"pas", "aucun", "aucune", "sans", "absence"}),
}
_FOR = re.compile(r"(?:^|[\s*])(?:for(?: it)?|pour(?: elle| lui)?|in favour|en faveur)\s*:\s*$", re.IGNORECASE)
_OWNERS = {"en": frozenset({"his", "her"}), "fr": frozenset[str]()}
_NEAR_WORDS = 3
_BREAK = re.compile(r"[:()–—]")


def claims(reading: Reading) -> list[Mention]:
    """Return the mentions of evidences that are claims of the patient; `present` is what they claim."""
    said = [m for m in reading.mentions if m.is_evidence and m.present is not None and not m.supposed]
    steps = _step_blocks(reading)
    return [
        claim
        for mention in said
        if not any(start <= mention.start < end for start, end in steps) and (claim := _claim(reading, mention))
    ]


def _step_blocks(reading: Reading) -> list[tuple[int, int]]:
    """Return the paragraphs that name two tests or more: what is to be looked for is no claim."""
    tests = [m.start for m in reading.mentions if m.code.startswith(TEST)]
    blocks = [match.span() for match in re.finditer(r"(?:.+\n?)+", reading.text)]
    return [(start, end) for start, end in blocks if sum(start <= test < end for test in tests) > 1]


def _claim(reading: Reading, mention: Mention) -> Mention | None:
    """Return a mention as it is claimed, None when it is no claim."""
    at = bisect_left(reading.tokens, mention.start, key=lambda token: token.start)
    words = _clause_before(reading, at)
    language = reading.lexicon.language
    if (subject := _subject(reading, at, words)) is not None:
        return mention if subject else None
    near = [reading.tokens[n].word for n in words[-_NEAR_WORDS:]]
    if any(word in _DENYING[language] for word in near):
        return replace(mention, present=False)
    if not words and _FOR.search(reading.text[max(0, mention.start - 20) : mention.start]):
        return mention
    return mention if mention.present and any(word in _OWNERS[language] for word in near) else None


def _clause_before(reading: Reading, at: int) -> list[int]:
    """Return the places of the words before a token, back to the beginning of its sentence, or a colon or bracket."""
    first = at
    while first and reading.tokens[first - 1].sentence == reading.tokens[at].sentence:
        if _BREAK.search(reading.text[reading.tokens[first - 1].end : reading.tokens[first].start]):
            break
        first -= 1
    return list(range(first, at))


def _subject(reading: Reading, at: int, words: list[int]) -> bool | None:
    """Say whether the nearest subject before a mention is the patient, None when there is no subject."""
    language = reading.lexicon.language
    diseases = [(m.start, m.end) for m in reading.mentions if m.code.startswith(DISEASE)]
    for n in reversed(words):
        token, before = reading.tokens[n], reading.tokens[n - 1].word if n > words[0] else ""
        if any(start <= token.start < end for start, end in diseases):
            return False
        known = token.word in _PATIENTS[language] and before in _DEFINITE
        exists = (token.word, reading.tokens[n + 1].word) in _EXISTING[language]
        if known or exists or token.word in _SUBJECTS[language]:
            return not _explains(reading, [one for one in words if one <= n])
        if token.word in _OTHERS[language] or _EXPLAINING[language].match(token.word):
            return False
    return None


def _explains(reading: Reading, words: list[int]) -> bool:
    """Say whether a verb of explaining, or a condition, stands among words."""
    pattern = _EXPLAINING[reading.lexicon.language]
    return any(pattern.match(reading.tokens[n].word) for n in words)
