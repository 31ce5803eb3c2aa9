"""Checks that every kind of generated text must pass, whoever wrote it: each gives a reason or nothing.

A quote counts when it stands in the text that it names, white space apart, and is then kept as it stands there, with
its place. Numbers of an answer must be numbers of what the teacher was shown: a dose that came from nowhere is the
worst that a training text can hold. A text for training must not speak of the prompt that made it, of a gold answer, of
a model, nor carry addresses, markup or hidden characters. Not here: whether the answer is right, and what a kind of
text asks for beyond this.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sources.teacher.artefacts import has_template_tokens, is_cut, speaks_of_itself
from sources.teacher.injection import speaks_to_a_model

LEAST_QUOTE_WORDS = 4
LEAST_QUOTE_CHARS = 20
COPIED_WORDS = 8
"""So many words in a row from a passage are copied, not written; what an order on a page dictates mostly is."""
REASONS = (
    "truncated",
    "speaks_of_itself",
    "template_tokens",
    "gold_leak",
    "mentions_prompt",
    "foreign_content",
    "injected",
    "number_not_in_evidence",
    "quote_not_found",
    "quote_too_short",
    "copied_not_quoted",
)

_GOLD = re.compile(
    r"\b(?:the |given |provided |stated )?gold(?:en)?[- ](?:answer|label|option|key)\b|\banswer key\b"
    r"|\b(?:marked|labell?ed|listed|designated|given|provided|keyed) (?:as )?(?:the )?correct(?: answer| option)?\b"
    r"|\b(?:the )?(?:given|provided|stated|supplied|expected|reference) (?:correct )?answer\b"
    r"|\b(?:I was|we (?:are|were)) (?:told|given) (?:that )?(?:the )?(?:right|correct|gold|answer|option)"
    r"|\bas (?:instructed|requested|specified in the (?:prompt|instructions?))\b"
    r"|\bla réponse (?:fournie|attendue|de référence)\b",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    r"(?-i:\bP[1-9]\b(?=[\s.,;:)\]]|$))|\bpassages? (?:\d|provided|given|above|states?|says?|supports?|P\d)"
    r"|\b(?:the|these|this|provided|given|cited|quoted) (?:excerpts?|quotes?|prompt|JSON)\b"
    r"|\b(?:the|these|this|provided|given|cited|quoted) passages?\b(?! (?:of|through|into|from|to)\b)"
    r"|\b(?:this|the (?:above|provided|given|present)) (?:section|text|document|guideline|excerpt|extract)\b"
    r"|\baccording to the (?:section|text|passages?|document|guidelines?|source|material|excerpt)\b"
    r"|\b(?:ce|le) (?:passage|extrait)\b(?! (?:de|du|des|d['’]|à|au|aux|vers|par|en)\b)|\b(?:cette|la) section\b"
    r"|\bselon le (?:texte|document|passage)\b",
    re.IGNORECASE,
)
_FOREIGN = re.compile(
    r"https?:|\bwww\.|\b[\w-]{2,}\.(?:com|org|net|io|info|biz|ru|cn|example|test|zip)\b|[\w.+-]+@[\w-]+\.\w|</?[A-Za-z][^<>\n]{0,80}>"
    r"|```|\{\{|\}\}|\\u[0-9a-fA-F]{4}|\+\d[\d ()-]{8,}\d|\(\d{2,4}\) ?\d{3}|\b\d{3}-\d{3}-\d{4}\b"
)
_GAPS = " \u00a0\u202f\u2009"
_NUMBER = re.compile(rf"\d{{1,3}}(?:[{_GAPS}]\d{{3}})+(?!\d)|\d+(?:[.,]\d+)*")
_GROUPED = re.compile(rf"[1-9]\d{{0,2}}(?:[,{_GAPS}]\d{{3}})+(?:\.\d+)?")


class Quote(NamedTuple):
    """A quote as it stands in a text, at [start, end) in code points."""

    text: str
    start: int
    end: int


def find_quote(quote: str, text: str) -> Quote | None:
    """Return where a quote stands in a text, runs of white space taken as one; None when it does not."""
    words = quote.split()
    if not words:
        return None
    found = re.search(r"\s+".join(map(re.escape, words)), text)
    return Quote(found[0], found.start(), found.end()) if found else None


def is_too_short(quote: str) -> bool:
    """Say whether a quote is too short to show anything."""
    return len(quote.split()) < LEAST_QUOTE_WORDS or len(quote) < LEAST_QUOTE_CHARS


def prose_fault(prose: str, *, by_patient: bool = False) -> str | None:
    """Return why a piece of prose must not be trained on, None when nothing was found.

    A patient may say what "I was told".
    """
    if is_cut(prose):
        return "truncated"
    if speaks_of_itself(prose):
        return "speaks_of_itself"
    if has_template_tokens(prose):
        return "template_tokens"
    if not by_patient and _GOLD.search(prose):
        return "gold_leak"
    if _PROMPT.search(prose):
        return "mentions_prompt"
    if _FOREIGN.search(prose):
        return "foreign_content"
    return "injected" if speaks_to_a_model(prose) else None


def new_number(pieces: Iterable[str], shown: Sequence[str]) -> str | None:
    """Return the first number in the pieces that nothing shown holds, None when there is none.

    Separators do not tell numbers apart (1,500 and 1500; 0.5 and 0,5), zeros at the end of a fraction neither.
    """
    known = {number for text in shown for number in numbers_in(text)}
    for piece in pieces:
        for number in _NUMBER.findall(piece):
            if _plain(number) not in known:
                return str(number)
    return None


def numbers_in(text: str) -> set[str]:
    """Return the numbers of a text, as they are compared."""
    return {_plain(number) for number in _NUMBER.findall(text)}


def copies(pieces: Iterable[str], shown: Sequence[str], allowed: Sequence[str]) -> bool:
    """Say whether prose copies a run of `COPIED_WORDS` words from what was shown that nothing allowed holds."""
    free = {run for text in allowed for run in _runs(text)}
    taken = {run for text in shown for run in _runs(text)} - free
    return any(run in taken for piece in pieces for run in _runs(piece))


def _runs(text: str) -> list[tuple[str, ...]]:
    words = re.findall(r"[^\W_]+", text.casefold())
    return [tuple(words[at : at + COPIED_WORDS]) for at in range(len(words) - COPIED_WORDS + 1)]


def _plain(number: str) -> str:
    """Return a number as it is compared: groups of three joined, one decimal point, no idle zeros."""
    joined = re.sub(rf"[,{_GAPS}]", "", number) if _GROUPED.fullmatch(number) else number
    point = joined.replace(",", ".")
    return point.rstrip("0").rstrip(".") if "." in point else point
