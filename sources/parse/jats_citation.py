"""Citation markers in running text: kept plain, numbered by the reference list, or stripped.

A superscript citation must never fuse with what stands before it: `5 mg` with the raised mark 12 is neither
`5 mg12` nor `5 mg¹²`. While a paragraph is being built its markers stand between control characters, which XML
forbids in text; when it is whole, each group of neighbouring markers is written in one of three styles.
plain: as the file has it; a raised or glued one stays raised after a word (`infection¹²`, `et al.¹²`) and becomes
` [12]` where it could be read as an exponent or digit: after numbers, counted words, units, symbols.
numbered: `[3]`, the place in the reference list. strip: gone with its brackets, but for names that a sentence needs
("Smith et al. (2010) found").
"""

import re
from typing import Literal

CitationStyle = Literal["plain", "numbered", "strip"]
OPEN, CLOSE, RAISED = "\x02", "\x03", "\x04"

_MARK = f"(?:{RAISED}{OPEN}|{OPEN})[^{CLOSE}]*{CLOSE}"  # two branches, so that `re` skips to their first characters
_BETWEEN = r"[\s,;–—‐‑−-]*"
_GROUP = re.compile(f"{_MARK}(?:{_BETWEEN}{_MARK})*")
_BRACKETED = re.compile(
    rf"\s*(?P<open>[\[(])\s*(?P<group>(?:(?:e\.g\.|see|cf\.|,|;|and|&|\s)*{_MARK})+)[\s,;]*(?P<close>[\])])"
)
_LAST_WORD = re.compile(
    r"(?P<counted>(?:\d|\bper)\s+)?(?<![\w/·×^-])(?P<word>[^\W\d_]+(?:[-‐‑][^\W\d_]+)*)[.,;:)\]’”\"'»]{0,2}$"
)
_UNITS = """
mg kg cm mm nm km dm hm um ml dl cl ul pg ng fg mol mmol nmol pmol umol min sec hr hrs day days week wk wks yr yrs
year hour rad deg bar mbar ppm ppb rpm bpm lb lbs oz ft in yd mi ha cal kcal cc eq meq gal dpi hpa mpa kpa pa hz khz
mhz kda bp kb mb gb cfu pfu psi torr atm lux iu miu gy cgy msv sv bq mbq mci
"""
_NEVER_RAISED_AFTER = frozenset(_UNITS.split())
_YEAR = re.compile(r"(?:1[89]|20)\d\d(?!\d)")
_DIGITS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def mark(text: str) -> str:
    """Return a citation marker as it stands in an unfinished paragraph."""
    if text.isalnum():
        return f"{OPEN}{text}{CLOSE}"
    return _with_edges(text, OPEN, text.strip())


def raise_mark(text: str) -> str:
    """Return the content of a superscript that holds citations as one raised marker."""
    bare = _bare(text)
    return _with_edges(bare, RAISED + OPEN, bare.strip("[]() \t\r\n"))


def _with_edges(bare: str, opening: str, core: str) -> str:
    """Return a marked `core` with the white space that stood around it, which keeps it apart."""
    return f"{' ' * bare[:1].isspace()}{opening}{core}{CLOSE}{' ' * bare[-1:].isspace()}"


def _bare(text: str) -> str:
    return text.replace(OPEN, "").replace(CLOSE, "").replace(RAISED, "")


def write_citations(text: str, style: CitationStyle) -> str:
    """Return a finished paragraph with its citation markers in `style` and no control characters."""
    if style != "plain":
        text = _BRACKETED.sub("" if style == "strip" else _numbered_bracket, text)
    pieces: list[str] = []
    end = 0
    while (at := text.find(OPEN, end)) >= 0:
        start = at - 1 if text[at - 1 : at] == RAISED else at
        group = _GROUP.match(text, start)
        if group is None:
            break
        pieces.append(text[end:start])
        end = group.end()
        pieces.append(_one(group[0], style, text[max(0, start - 40) : start], text[end : end + 1]))
    return "".join(pieces) + _bare(text[end:])


def _one(group: str, style: CitationStyle, before: str, following: str) -> str:
    """Return one group of markers given the text around it."""
    shown = _bare(group)
    raised = RAISED in group
    previous = before[-1:]
    numeric = shown[:1].isdigit()
    set_off = raised or (numeric and bool(previous) and previous not in " \t\n([{/–—-\u00a0,;")
    if style == "strip":
        return "" if (set_off or numeric) and not _YEAR.match(shown) else shown
    if not shown or previous in ("[", "(") or not (set_off or style == "numbered"):
        return shown
    if style == "plain" and _after_word(before) and not following.isalnum():
        return shown.translate(_DIGITS)
    opening = "" if not previous or previous.isspace() else " "
    closing = " " if following.isalnum() else ""
    return f"{opening}[{shown}]{closing}"


def _after_word(before: str) -> bool:
    """Say whether `before` ends with a word after which a raised number can be nothing but a citation."""
    if before[-1:].isspace():
        return False
    match = _LAST_WORD.search(" ".join(before.split()[-2:]))  # a long text would be tried from each of its characters
    if match is None or match["counted"]:
        return False
    word = match["word"]
    if not _NEVER_RAISED_AFTER.isdisjoint(re.split("[-‐‑]", word.lower())):
        return False
    return len(word) > 2 or (len(word) == 2 and word.islower())


def _numbered_bracket(match: re.Match[str]) -> str:
    """Write the bracket of a numbered group as square, whatever it was."""
    space = match[0][: len(match[0]) - len(match[0].lstrip())]
    return f"{space}[{_bare(match['group']).strip()}]"
