"""Names of people where a word announces them: a title, "patient" or a relation, or the label of a field.

A name is a run of words with capitals, with particles, initials, apostrophes and hyphens in between; after a label or a
title in a script without capitals, a few words of it. No list of names is read: the names of the world are too many,
and a list knows its own regions best. A title always wins ("Mr Parkinson"); what carries a name (Parkinson's disease),
fields, roles, drugs and diseases never go. Weak titles (Dr, M.) stand before authors and species as often as before
patients, so they count only in a text that is a person's record. Words are data (`privacy_words.yaml`). Names that
nothing announces are not found: that takes a model.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import regex  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from pipelines.engine.hashing import sha256_bytes
from pipelines.stages.privacy_kinds import Span
from pipelines.stages.privacy_scan import LABEL, NAME, TITLE, WEAK

_FILE = Path(__file__).with_name("privacy_words.yaml")
_BARE_LABELS = ("name", "nom", "nombre", "nome", "jina", "suna", "nama", "patient", "guardian")
_THANKED = regex.compile(
    r"(?i)\b(?:we|authors?|i) (?:also |would like to |wish to |sincerely |gratefully )*(?:thank"
    r"|acknowledge)|are (?:very )?grateful|acknowledg(?:e)?ments?|nous remercions|agradec"
)
_LABEL_CHARS = 40
_MIXED = regex.compile(r"\p{Ll}\p{Lu}s?$|\p{Lu}s$|^\p{Lu}\p{Ll}?\p{Lu}s?$")
"""Abbreviations that follow "patient": AEs, SpO, IDs."""
_WORD = r"\p{Lu}[\p{L}\p{M}]*(?:[-'’‘ʼ]\p{L}[\p{L}\p{M}]*)*"
_CASELESS = (
    r"[\p{Arabic}\p{Devanagari}\p{Bengali}\p{Ethiopic}\p{Han}\p{Hangul}\p{Hiragana}\p{Katakana}\p{Tamil}\p{Thai}\p{M}]+"
)
_OWNS, _PIECE, _NO_CASE = regex.compile(r"['’]s$"), regex.compile(r"[^\s,]+"), regex.compile(r"\p{Lo}")
_NEXT_WORD = regex.compile(r"(?:['’]s?)?[\s-]+([\p{L}]+)")
_IN_WORD = regex.compile(r"\w")
_LEFT_OVER = regex.compile(r"(?:[\s,]+\p{Ll}+)+$|[\s,.]+$")


class Words(NamedTuple):
    """The patterns and lists of `privacy_words.yaml`, with the cue words for the scan and the file's digest."""

    titles: frozenset[str]
    weak: frozenset[str]
    people: frozenset[str]
    cue: regex.Pattern
    name: regex.Pattern
    label: regex.Pattern
    field: regex.Pattern
    never: frozenset[str]
    arabic_stop: frozenset[str]
    eponyms: frozenset[str]
    eponym_nouns: frozenset[str]
    not_people: frozenset[str]
    not_people_endings: tuple[str, ...]
    title_cues: tuple[str, ...]
    weak_cues: tuple[str, ...]
    label_cues: tuple[str, ...]
    sha256: str


@lru_cache(maxsize=1)
def words() -> Words:
    """Return the words that announce a name and those that are none, read once."""
    raw = _FILE.read_bytes()
    body = YAML(typ="safe").load(raw)
    titles = [title for group in body["titles"].values() for title in group]
    particles = "|".join(body["particles"])
    part = rf"(?:(?:[Aa]l|[Ee]l|[Uu]l|[Aa]sh|[Aa]n|[Aa]r|[Aa]s|[Aa]d|[Aa]t)[-‑])?{_WORD}|[dD]['’]{_WORD}"
    run = rf"(?:(?:{particles}) )*(?:{part})(?:[  ]{{1,2}}(?:(?:{particles})[  ]){{0,2}}(?:\p{{Lu}}\.|{part})){{0,4}}"
    run = rf"(?:\p{{Lu}}\.[  ]?){{0,2}}{run}"
    caseless = rf"{_CASELESS}(?:[  ·・]{_CASELESS}){{0,3}}"
    return Words(
        frozenset(titles),
        frozenset(body["weak"]),
        frozenset(body["people"]),
        regex.compile(r"(?r)(?<![\p{L}\p{M}\p{N}.'’-])[\p{L}\p{M}][\p{L}\p{M}./-]*$"),
        regex.compile(rf"\.?[  ]+(?P<v>{run}|{caseless})"),
        regex.compile(rf"(?:^|[|;•·*,\t(-]|\.|\b\d+\))[\s*_]*(?P<label>(?i:{_any(body['labels'])}))$"),
        regex.compile(
            rf"[ ]?(?:\([^()\n]{{1,20}}\))?[\s*_]*[:：=|][\s*_|]*(?P<title>(?:{_any(titles + body['weak'])})\.?[  ])?"
            rf"(?P<v>{run}(?:, ?{run})?|{caseless})"
        ),
        frozenset(word for group in body["never"] for word in group),
        frozenset(body["arabic_stop"]),
        frozenset(body["eponyms"]),
        frozenset(body["eponym_nouns"]),
        frozenset(body["not_people"]),
        tuple(body["not_people_endings"]),
        tuple(titles + body["people"]),
        tuple(body["weak"]),
        tuple(body["labels"]),
        sha256_bytes(raw),
    )


def _any(alternatives: Iterable[str]) -> str:
    return "|".join(regex.escape(word) for word in sorted(alternatives, key=lambda word: (-len(word), word)))


def find_names(line: str, after: int, text: str, is_record: bool, bits: int = NAME) -> Iterator[Span]:
    """Yield the span of the name that the cue word which ends at `after` announces in a line of `text`, if any.

    Weak titles count where the text is a record; who is thanked in an article is no patient. `bits` say which kinds of
    cues the scan heard there, so that the others are not looked for.
    """
    found = words()
    label = found.label.search(line, max(0, after - _LABEL_CHARS), after) if bits & LABEL else None
    if label and (match := found.field.match(line, after)) and _may_be_labelled(label["label"], match):
        yield from _kept_part(line, match, is_labelled=True)
        return
    cue = found.cue.search(line, max(0, after - _LABEL_CHARS), after) if bits & (TITLE | WEAK) else None
    match = found.name.match(line, after) if cue else None
    if cue is None or match is None:
        return
    if cue[0] in found.people:
        if _is_nobody(match["v"], text):
            return
    elif not (cue[0] in found.titles or (is_record and cue[0] in found.weak)) or (
        not is_record and _THANKED.search(line)
    ):
        return
    yield from _kept_part(line, match)


def _kept_part(line: str, match: regex.Match, is_labelled: bool = False) -> Iterator[Span]:
    """Yield the span of the name that a run of words begins with, if any."""
    found = words()
    start, value = match.start("v"), match["v"]
    end = start
    pieces = list(_PIECE.finditer(value))
    if pieces and _has_no_case(pieces[0][0]):
        pieces = _caseless(pieces, is_labelled)
    for piece in pieces:
        word = _OWNS.sub("", piece[0])
        rest = line[start + piece.end() :]
        if word.casefold().strip(".") in found.never or (len(word) > 2 and _carries(word, rest)):
            break
        end = start + piece.start() + len(word)
    name = line[start:end]
    if any(char.isupper() or _has_no_case(char) for char in name):
        yield start, _without_particle(line, start, end)


def _without_particle(line: str, start: int, end: int) -> int:
    """Return the end of a name without a particle or a comma that was left at its end."""
    name = line[start:end]
    cut = _LEFT_OVER.sub("", name)
    return start + len(cut) if cut else end


def _has_no_case(word: str) -> bool:
    return _NO_CASE.match(word) is not None


def _caseless(pieces: list[regex.Match], is_labelled: bool) -> list[regex.Match]:
    """Return the words of a name without capitals: all that a field holds, else two, and a third with an article."""
    stop = next((at for at, piece in enumerate(pieces) if piece[0] in words().arabic_stop), len(pieces))
    if is_labelled:
        return pieces[:stop]
    most = (
        3 if len(pieces) > 2 and (pieces[2][0].startswith("ال") or pieces[1][0] in ("بن", "ابن", "عبد", "أبو")) else 2
    )
    return pieces[: min(stop, most)]


def _carries(word: str, rest: str) -> bool:
    """Say whether a disease or a sign carries this name: Parkinson's disease, Hodgkin lymphoma, Chagas disease."""
    after = _NEXT_WORD.match(rest)
    return after is not None and word in words().eponyms and after[1].casefold() in words().eponym_nouns


def _may_be_labelled(label: str, match: regex.Match) -> bool:
    """Say whether a field holds a person: under a bare "Name" a drug, a disease or an institution is as likely."""
    if match["title"] or label.casefold() not in _BARE_LABELS:
        return True
    tokens = [token.casefold().strip(".,") for token in match["v"].split()]
    is_cell = "|" in match[0][: match.start("v") - match.start()]
    if len(tokens) < 2 and (label.casefold() == "patient" or is_cell):
        return False
    return not any(_is_thing(token) for token in tokens) and tokens[0] not in words().never


def _is_thing(token: str) -> bool:
    return token in words().not_people or (len(token) > 5 and token.endswith(words().not_people_endings))


def _is_nobody(value: str, text: str) -> bool:
    """Say whether what follows "patient" is no name: an abbreviation, an eponym, a thing, a common word."""
    tokens = [_OWNS.sub("", token) for token in value.split()]
    first = tokens[0]
    if first in words().eponyms or _has_no_case(first) or any(_is_thing(token.casefold()) for token in tokens):
        return True
    if len(first) < 2 or (len(tokens) < 2 and (first.isupper() or _MIXED.search(first))):
        return True
    return any(len(token) > 2 and token[0].isupper() and _stands(token.lower(), text) for token in tokens)


def _stands(word: str, text: str) -> bool:
    """Say whether a word stands in a text by itself."""
    at = text.find(word)
    while at >= 0:
        if not (_IN_WORD.match(text, max(0, at - 1), at) or _IN_WORD.match(text, at + len(word))):
            return True
        at = text.find(word, at + 1)
    return False
