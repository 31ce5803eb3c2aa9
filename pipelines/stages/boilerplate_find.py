"""Say of a paragraph whether it may be boilerplate, and give equal ones an equal key.

A paragraph is a block of lines between blank lines. It may be boilerplate when a phrase of `boilerplate.yaml` stands in
it for every `WORDS_A_PHRASE` words and it says nothing clinical: no number but dates, years, versions of licences and
what addresses hold; no comparison, share or unit; no word of `clinical.yaml`, no disease, nothing shaped like a drug.
So a dose, threshold or sign keeps its paragraph however often it is repeated. Headings and rows of tables are never
taken. Not here: how often a paragraph must be repeated, and removing (`boilerplate`).
"""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.stages.mentions import plain_text
from pipelines.stages.near_words import is_medical
from pipelines.stages.vocabulary import load_vocabulary

WORDS_A_PHRASE = 60
_BLOCK = re.compile(r"[^\s][^\n]*(?:\n[ \t]*[^\s][^\n]*)*")
_KEPT = re.compile(r"#{1,6} |\||[^\n]*\n\s*\|")
_MONTH = (
    r"(?:jan|feb|fév|fev|mar|apr|avr|abr|ene|may|mai|jun|juin|jul|juil|aug|août|ago|sep|set|oct|out|nov|dec|déc|dic|dez)"
    r"\w{0,8}\.?"
)
_YEAR = r"(?<![\d.,/])(?:19|20)\d\d(?:\s?[-–]\s?(?:19|20)?\d\d)?(?![\d/]|[.,]\d)"
_MASKED = re.compile(
    r"(?:https?://|www\.)\S+|\b10\.\d{4,9}/\S+|[\w.+-]+@[\w-]+\.[\w.]+|\b[\w-]+\.(?:org|com|gov|int|net|edu)\b\S*"
    r"|\bis[bs]n[-: ]*[\dx][\dx -]{7,16}"
    r"|\b(?:cc[- ]by[-a-z ]*|cc0|(?:public )?licen[cs]e[,:]?|version|v\.?|commons(?:[- ][a-z]+)*) ?\d\.\d(?: igo)?\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th|er|º)?(?: de)? {_MONTH}(?: de)?,? {_YEAR}"
    rf"|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}"
    rf"|\b(?:19|20)\d\d-\d\d-\d\d\b|\b\d{{1,2}}[/.]\d{{1,2}}[/.](?:19|20)\d\d\b|{_YEAR}",
    re.IGNORECASE,
)
_CLINICAL_SIGN = re.compile(r"[\d<>≤≥±%‰°µμ×]")
_PLAIN = frozenset({"diagnosis", "prognosis", "examine", "diploma"})
"""Words that are shaped like a disease or a drug and are none."""
_WORD = re.compile(r"[^\W\d_]+")
_KEY_BYTES = 8


class Paragraph(NamedTuple):
    """A paragraph that may be boilerplate: [start, end) in code points, its family, its key."""

    start: int
    end: int
    family: str
    key: str


def vocabularies() -> dict[str, str]:
    """Return the digests of the word lists that decide, by name."""
    return {name: load_vocabulary(name).sha256 for name in ("boilerplate", "clinical", "diseases")}


def find(text: str) -> Iterator[Paragraph]:
    """Yield the paragraphs of a text that may be boilerplate, in its order."""
    places = _phrases(text)
    for block in _BLOCK.finditer(text) if places else ():
        if bisect_left(places, block.start()) == bisect_left(places, block.end()):
            continue
        family = family_of(block[0])
        if family:
            yield Paragraph(block.start(), block.end(), family, key_of(block[0]))


def _phrases(text: str) -> list[int]:
    """Return where phrases begin in a text, ascending; a block without one is not boilerplate, as none spans two."""
    plain = plain_text(text)
    found = load_vocabulary("boilerplate").matcher.mentions(plain)
    if len(plain.folded) == len(plain.cased):
        return sorted(mention.start for mention in found)
    return list(range(len(text))) if found else []  # a letter folds to several, and places are no longer those of it


def family_of(paragraph: str) -> str | None:
    """Return of which family a paragraph is that may be boilerplate, None for any other."""
    if _KEPT.match(paragraph):
        return None
    phrases = load_vocabulary("boilerplate").matcher.count(paragraph)
    if not phrases or len(paragraph.split()) > WORDS_A_PHRASE * phrases.total() or _is_clinical(paragraph):
        return None
    return min(phrases, key=lambda name: (-phrases[name], name))


def key_of(paragraph: str) -> str:
    """Return the key of a paragraph, in which dates, addresses, case and white space do not count."""
    told = " ".join(_MASKED.sub("~", paragraph).casefold().split())
    return hashlib.blake2b(told.encode(), digest_size=_KEY_BYTES).hexdigest()


def _is_clinical(paragraph: str) -> bool:
    left = _MASKED.sub(" ", paragraph)
    if _CLINICAL_SIGN.search(left) or load_vocabulary("diseases").matcher.count(left):
        return True
    if load_vocabulary("clinical").matcher.count(left):
        return True
    return any(is_medical(word) for word in set(_WORD.findall(left.casefold())) - _PLAIN)
