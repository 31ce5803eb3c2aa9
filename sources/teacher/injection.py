"""See text that talks to a model instead of to a reader, and text with things in it that no reader would see.

A page is data; one that gives orders to whoever reads it by machine is not shown to the teacher, and an answer that
passes such orders on is not accepted. Orders are looked for in a copy whose spacing, look-alike letters and invisible
characters are undone, so `i g n o r e` and zero-width letters do not hide them. The wordings are in
`injection.txt`, by family; a clinical order ("give 10 mg/kg at once") is none. Not here: that the
answer is right, which no page can change (`checks`): this is one of several walls, and it has false alarms on texts
about language models.
"""

import re
from functools import cache, lru_cache
from pathlib import Path
from unicodedata import category, normalize

from pipelines.engine.hashing import sha256_bytes
from sources.teacher.needed_words import Gate, Span

_FOREIGN, _LATIN = "аеорсухіѕјԁһոաΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "aeopcyxisjdhnwABEZHIKMNOPTYXo"
_LOOK_ALIKE, _ANY_FOREIGN = str.maketrans(_FOREIGN, _LATIN), re.compile(f"[{_FOREIGN}]")
_WIDE = re.compile(r"[^\S\n ][^\S\n]*| [^\S\n]+")
"""White space within a line that is not one space."""
_SPACED = re.compile(r"\b(?:\w[ .·_*-]){2,}\w\b")
_SPACED_END = re.compile(r"[ .·_*-]\w[ .·_*-]\w\b")
"""How whatever `_SPACED` matches ends: found many times as fast, as it begins with few characters."""
_SHOWN = frozenset("\n\t\r\u00ad")
"""Control and format characters that a reader sees the effect of."""
_FILE = Path(__file__).with_suffix(".txt")


def _read() -> list[tuple[str, str]]:
    """Return (family, wording) of each line of the file, its groups put in."""
    family, groups, wordings = "", {}, []
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        if group := re.fullmatch(r"([A-Z]+) = (.+)", line):
            groups[group[1]] = group[2]
        elif heading := re.fullmatch(r"\[([a-z_]+)\]", line):
            family = heading[1]
        else:
            for name, words in groups.items():
                line = line.replace(name, words)
            wordings.append((family, line))
    return wordings


@cache
def _compiled(line: str) -> re.Pattern[str]:
    """Return a pattern for lower-case text, which is found twice as fast, unless it asks for a capital somewhere."""
    if "(?-i:" in line:
        return re.compile(line, re.IGNORECASE | re.DOTALL)
    return re.compile(
        re.sub(r"\\.|[A-ZÀ-Þ]", lambda found: found[0].lower() if len(found[0]) == 1 else found[0], line), re.DOTALL
    )


_WORDINGS = _read()
WORDINGS = sha256_bytes(_FILE.read_bytes())[:16]
"""What tells these wordings from later ones: they decide what is shown and accepted."""
FAMILIES = frozenset(name for name, _ in _WORDINGS) | {"invisible"}


@lru_cache(maxsize=1)
def _gate() -> Gate:
    return Gate(line for _, line in _WORDINGS)


def speaks_to_a_model(text: str) -> str | None:
    """Return the family of the first order to a model that a text holds, `invisible` for hidden characters, or None."""
    if hides_something(text):
        return "invisible"
    plain = text if text.isascii() else normalize("NFKC", text.replace("\u00ad", ""))
    if _ANY_FOREIGN.search(plain):
        plain = plain.translate(_LOOK_ALIKE)
    for copy in dict.fromkeys((_single_spaced(plain), _single_spaced(_closed_up(plain)))):
        low = copy.lower()
        for number, spans in _gate().stretches(low):
            name, line = _WORDINGS[number]
            pattern = _compiled(line)
            if _is_in(pattern, copy if pattern.flags & re.IGNORECASE else low, spans):
                return name
    return None


def _is_in(pattern: re.Pattern[str], text: str, spans: list[Span]) -> bool:
    """Say whether a pattern matches within stretches; at the end of one a word may be cut, so the text decides."""
    return any(pattern.search(text, *span) for span in spans) and bool(pattern.search(text))


def hides_something(text: str) -> bool:
    """Say whether a text holds characters that no reader sees; joiners within scripts that need them may."""
    unseen = unseen_characters(text) - _SHOWN
    return bool(unseen) and any(_is_hidden(text, place) for place, char in enumerate(text) if char in unseen)


@lru_cache(maxsize=2)
def unseen_characters(text: str) -> frozenset[str]:
    """Return the format and control characters of a text, those of private use and those that are none."""
    return frozenset(filter(_is_unseen, set(text)))


@lru_cache(maxsize=1 << 12)
def _is_unseen(char: str) -> bool:
    return category(char) in ("Cf", "Cc", "Co", "Cn")


def _is_hidden(text: str, place: int) -> bool:
    char = text[place]
    joins = char in "\u200c\u200d"
    around = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
    return not (joins and around and not around.isascii() and not any(c.isascii() and c.isalpha() for c in around))


def _single_spaced(text: str) -> str:
    return _WIDE.sub(" ", text)


def _closed_up(text: str) -> str:
    """Return a copy in which words that were spaced out letter by letter are words again."""
    if not _SPACED_END.search(text):
        return text
    return _SPACED.sub(lambda found: re.sub(r"[ .·_*-]", "", found[0]), text)
