"""The parts of an answer: its paragraphs, which of them walk a disease, warn, or say what to do, and the ranked list.

The ranked list is the last run of numbered lines. A paragraph walks a disease where it gives its share; one that warns
says so ("red flags", "urgent"), with the list under its heading; one that names tests says what to do. Not here: what
must stand in them (`differential_answer`, `walk`, `steps`).
"""

import re
from functools import cached_property

from sources.teacher.lexicon import DISEASE, TEST, fold
from sources.teacher.mentions import Mention, Reading

_LINE = re.compile(r"^[ \t>*-]*(\d+)[.):]\s*(.+)$", re.MULTILINE)
_BLOCK = re.compile(r"(?:[^\n]*\S[^\n]*(?:\n|\Z))+")
PERCENT = re.compile(r"(\d+(?:[.,]\d+)?)\s?%")
_ALARM = {
    "en": re.compile(
        r"red flag|danger|warning|urgent|emergenc|life.threat|not (?:to )?(?:be )?(?:miss|overlook)|at once"
        r"|immediate|alarm"
    ),
    "fr": re.compile(
        r"alerte|danger|gravite|urgen|menac|vital|ne (?:pas|jamais) manquer|mortel|attention|aussitot|immediat|alarm"
    ),
}
_FEAR = {
    "en": re.compile(r"kill|threaten|fatal|deadly|death|grave|gravity|serious|worr|\bdie|dread|fear|cost (?:him|her)"),
    "fr": re.compile(r"redout|craind|\btue|mourir|mort\b|la vie|grave|emporter"),
}
"""What warns too, but not where the first disease is walked ("Noma is to be feared")."""
_OF_NEXT = re.compile(r"\s(?:of|for|de|du|pour)\s(?:the |la |le )?[A-ZÀ-Þ]")
_TOGETHER = re.compile(r"\b(?:together|combined|between them|ensemble|reunies|a elles (?:deux|trois)|total)\b")
"""What shares a percentage among several diseases."""
_HEADING_WORDS = 5
Span = tuple[int, int]


class Blocks:
    """An answer in its paragraphs."""

    def __init__(self, answer: Reading) -> None:
        self.answer = answer
        self.lines = ranked_lines(answer)
        self.end = self.lines[0][1][0] if self.lines else len(answer.text)
        self.all = [match.span() for match in _BLOCK.finditer(answer.text) if match.start() < self.end]

    @cached_property
    def named(self) -> list[Mention]:
        """The diseases that are named, but for those within a finding or a test."""
        others = [(m.start, m.end) for m in self.answer.mentions if not m.code.startswith(DISEASE)]
        return [
            m
            for m in self.answer.mentions
            if m.code.startswith(DISEASE) and not any(s <= m.start and m.end <= e for s, e in others)
        ]

    @cached_property
    def shares(self) -> list[tuple[Mention, str, float]]:
        """Diseases with the share that is given in the same sentence, before the list, and the words between them."""
        found = []
        for match in PERCENT.finditer(self.answer.text, 0, self.end):
            number = next(t.sentence for t in self.answer.tokens if t.end > match.start())
            own = [m for m in self.named if m.sentence == number and m.start < self.end]
            if _TOGETHER.search(fold(" ".join(self.answer.text[slice(*self.answer.sentence(number))].split()))):
                continue
            is_of_next = _OF_NEXT.match(self.answer.text[match.end() :]) is not None
            after, before = [m for m in own if m.start > match.end()], [m for m in own if m.end <= match.start()]
            for mention in after[:1] if is_of_next or not before else before[-1:]:
                between = self.answer.text[min(mention.end, match.start()) : match.end()]
                found.append((mention, between, float(match[1].replace(",", "."))))
        return found

    @cached_property
    def walking(self) -> list[Span]:
        """Paragraphs that give the share of a disease."""
        return [block for block in self.all if any(_within(m, block) for m, _, _ in self.shares)]

    @cached_property
    def warning(self) -> list[Span]:
        """Paragraphs that warn: those beside the walk, where there is one; a heading takes what follows with it."""
        alarm, fear = _ALARM[self.answer.lexicon.language], _FEAR[self.answer.lexicon.language]
        found = []
        text = self._without_names()
        for at, (start, end) in enumerate(self.all):
            said, walked = fold(text[start:end]), min((m.start for m in self.named), default=-1)
            if alarm.search(said) or (not start <= walked < end and fear.search(said)):
                is_heading = len(self.answer.text[start:end].split()) <= _HEADING_WORDS
                found.append((start, self.all[at + 1][1] if is_heading and at + 1 < len(self.all) else end))
        return [block for block in found if block not in self.walking] or found

    def _without_names(self) -> str:
        """Return the text with blanks for the names of diseases: severe malaria alone warns of nothing."""
        text = self.answer.text
        for mention in self.named:
            text = text[: mention.start] + " " * (mention.end - mention.start) + text[mention.end :]
        return text

    @cached_property
    def steps(self) -> list[Span]:
        """Paragraphs that name a test and walk no disease; one that warns must name two."""
        tests = [m for m in self.answer.mentions if m.code.startswith(TEST)]
        named = {block: sum(_within(m, block) for m in tests) for block in self.all if block not in self.walking}
        return [block for block, count in named.items() if count > (block in self.warning)]


def ranked_lines(answer: Reading) -> list[tuple[str, Span]]:
    """Return the last run of numbered lines, 1, 2, ..., each with its place."""
    runs: list[list[tuple[str, Span]]] = []
    for match in _LINE.finditer(answer.text):
        if match[1] == "1" or not runs:
            runs.append([])
        runs[-1].append((match[2], match.span(2)))
    return runs[-1] if runs else []


def _within(mention: Mention, block: Span) -> bool:
    return block[0] <= mention.start < block[1]
