"""Read what a teacher answered: a record by its schema first, a letter by an anchored grammar otherwise.

A record is JSON that a pydantic model takes, whole or as the only fenced block; nothing is repaired. A letter counts
only right behind a cue that begins a sentence ("Answer:", "The best answer is"), or as the whole answer; never as the
beginning of a word ("hypertension" is no H), nor as an article ("a beta-blocker") or a genus ("E. coli"). Two letters
that contradict each other are no answer. Not here: whether the answer is right.
"""

import re
import string
from collections.abc import Iterator, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from sources.parse.strict_json import loads

Record = TypeVar("Record", bound=BaseModel)
LETTERS = string.ascii_uppercase

_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n?```", re.DOTALL)
_EMPHASIS = re.compile(r"[*_`#>]+|\\(?:text|mathrm)(?=\{)|\\boxed|[{}$]")
_SENTENCE = re.compile(r"(?<=[.!?])(?<!\b[A-Za-z]\.)\s+(?=[A-ZÀ-Þ(\"'])|\n+")
_HINGE = r"(?:(?:so|therefore|thus|hence|finally|in conclusion|in summary|overall|donc|ainsi)\b,?\s+)?"
_QUALITY = r"(?:(?:final|correct|best|right|single best|most likely|most appropriate|bonne|meilleure)\s+)*"
_CUE = re.compile(
    rf"^\W*{_HINGE}(?:(?:the|my|la)\s+)?{_QUALITY}"
    r"(?:answer|choice|option|réponse|respuesta)(?:\s+(?:correcte|finale|correcta))?\s*(?::|=|-|–|\bis\b|\best\b|\bes\b)\s*:?",
    re.IGNORECASE,
)
_NAMED = re.compile(
    rf"^\W*{_HINGE}(?:(?:the|my)\s+)?{_QUALITY}(?:option|answer|choice)\s+\(?([A-Z])\)?(.*)$", re.IGNORECASE
)
_IS_RIGHT = re.compile(
    r"^\s*(?:(?:is|would be|est)\s+(?:the\s+)?(?:correct|best|right|most|answer|la bonne)\b|[.!]?\s*$)", re.I
)
_LATER = re.compile(
    r"(?:\b(?:so|therefore|thus|hence|i\.e\.|that is|which is|namely)\b,?|,|;|:|–|—|\()\s*(?:the\s+)?"
    r"option\s+\(?([A-Z])\)?\W*$"
)
_NOT = re.compile(r"\b(?:not|never|incorrect|wrong|except|cannot|n't|pas)\b", re.IGNORECASE)
_TOKEN = re.compile(
    r"^\s*(?:option\s+|choice\s+|letter\s+)?[\[(\"']*([A-Za-z])(?![\w'’-])(.*)$", re.DOTALL | re.IGNORECASE
)
_REASON_FOLLOWS = re.compile(r"^\s*(?:because|since|as|for|due to|which|car|parce que)\b", re.IGNORECASE)


def read_record(text: str, model: type[Record]) -> Record | None:
    """Return the record that an answer is, None when it is not exactly one that `model` takes."""
    blocks = _FENCED.findall(text)
    body = blocks[0] if len(blocks) == 1 else text
    try:
        loads(body.strip().encode())  # refuses what pydantic lets pass: a key given twice, half of a surrogate pair
        return model.model_validate_json(body.strip(), strict=True)
    except (ValueError, ValidationError):
        return None


def letter_of(text: str, options: Sequence[str]) -> str | None:
    """Return the letter of the one option that an answer in words names, None when it names none or several.

    `options` are the texts in the order in which they were shown as A, B, ...
    """
    plain = _EMPHASIS.sub("", text).strip()
    if (whole := _whole(plain, options)) is not None:
        return whole
    stated = list(_stated(plain, options))
    final = {letter for letter, is_final in stated if is_final}
    every = final or {letter for letter, _ in stated}
    return every.pop() if len(every) == 1 else None


def _whole(plain: str, options: Sequence[str]) -> str | None:
    """Return the letter of an answer that is nothing but one: `B`, `(b)`, `B. its text`, or the text alone."""
    if "\n" in plain:
        return None
    found = re.fullmatch(r"[\[(\"']*([A-Za-z])[\])\"'.:,]*", plain)
    if found:
        return _known(found[1], options)
    return _by_text(plain, options) or _lettered_text(plain, options)


def _stated(plain: str, options: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield (letter, whether it is called final) for each sentence that states an answer."""
    for sentence in _SENTENCE.split(plain):
        cue = _CUE.match(sentence)
        if cue:
            letter = _after_cue(sentence[cue.end() :], options) or _later(sentence, options)
        else:
            letter = _named(sentence, options)
        if letter:
            yield letter, "final" in sentence[: cue.end()].lower() if cue else False


def _after_cue(rest: str, options: Sequence[str]) -> str | None:
    if by_text := _by_text(rest, options) or _lettered_text(rest, options):
        return by_text
    found = _TOKEN.match(rest)
    if not found:
        return None
    letter, tail = found[1], found[2]
    closed = re.match(r"^[\])\"'.:,;–—-]*", tail)
    after = tail[closed.end() :] if closed else tail
    mark = closed[0] if closed else ""
    if not after.strip() or _REASON_FOLLOWS.match(after):
        return _known(letter, options)
    if letter.islower() and not mark.startswith(")"):
        return None
    if not mark or (mark == "." and re.match(r"\s*[a-zà-þ]", after)):
        return None  # "A patient ..." and "E. coli"
    return None if _contradicts(letter, after, options) else _known(letter, options)


def _later(sentence: str, options: Sequence[str]) -> str | None:
    """Return the letter that a sentence about the answer ends with: "The answer is a beta-blocker, option C"."""
    found = _LATER.search(sentence)
    return _known(found[1], options) if found and not _NOT.search(sentence) else None


def _named(sentence: str, options: Sequence[str]) -> str | None:
    """Return the letter of "Option C is correct", or of "Therefore option C." """
    found = _NAMED.match(sentence)
    if not found or not found[1].isupper() or _NOT.search(found[2]) or not _IS_RIGHT.match(found[2]):
        return None
    return _known(found[1], options)


def _known(letter: str, options: Sequence[str]) -> str | None:
    upper = letter.upper()
    return upper if upper in LETTERS[: len(options)] else None


def _same(one: str, other: str) -> bool:
    return _bare(one) == _bare(other) != ""


def _bare(text: str) -> str:
    return " ".join(text.split()).strip(" .,;:!\"'()[]").casefold()


def _by_text(rest: str, options: Sequence[str]) -> str | None:
    """Return the letter of the one option whose text this is."""
    same = [place for place, option in enumerate(options) if _same(rest, option)]
    return LETTERS[same[0]] if len(same) == 1 else None


def _lettered_text(rest: str, options: Sequence[str]) -> str | None:
    """Return the letter that stands before the text of its own option: `B) Lumbar puncture`."""
    found = re.match(r"^\s*[\[(]*([A-Za-z])[\])]*[.):\s–—-]+(.+)$", rest, re.DOTALL)
    letter = _known(found[1], options) if found else None
    return letter if found and letter and _same(found[2], options[LETTERS.index(letter)]) else None


def _contradicts(letter: str, after: str, options: Sequence[str]) -> bool:
    """Say whether what follows a letter is the text of another option."""
    named = _by_text(re.split(r"[.;\n]", after.strip(), maxsplit=1)[0], options)
    return named is not None and named != letter.upper()
