"""Superscripts and subscripts as text that keeps their meaning: 10³, CO₂, m², `x^{a,b}`.

A dropped exponent is a wrong dose, so raised and lowered characters are written with Unicode's own where all of
them exist, else as `^{...}` or `_{...}`. NFKC folds the Unicode forms back to plain digits, which only tests may
do. Not here: which superscripts are citations (`sources.parse.jats_citation`).
"""

import re

_SUPER = dict(
    zip(
        "0123456789+-−–=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWβγδφχ",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵝᵞᵟᵠᵡ",
        strict=True,
    )
)
_SUB = dict(zip("0123456789+-−–=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True))
_UNDERLINED = {"<": "≤", ">": "≥", "+": "±"}
_UPRIGHT = re.compile(r"[^\w+\-−–=()]+")
"""Signs that are raised by nature: they say the same on the line."""
_WORD = re.compile(r"[^\W\d_]{4,}")
_NAME = re.compile(r"[^\W\d_]\w{,3}")
_COUNTED = re.compile(r"(\d+)([A-Za-z]+)")


def superscript(text: str, before: str) -> str:
    """Return `text` raised; `before` is what stands in front of it, which tells the ordinal of 1st."""
    core = text.strip()
    if not core or _UPRIGHT.fullmatch(core):
        return text
    if core in {"st", "nd", "rd", "th"} and before[-1:].isdigit():
        return text
    return _keep_edges(text, core, _translated(core, _SUPER) or f"^{{{core}}}")


def subscript(text: str, before: str = "") -> str:
    """Return `text` lowered. Up to 4 letters without such a form read on after a letter, as in NaV1, PaCO2."""
    core = text.strip()
    if not core:
        return text
    lowered = _translated(core, _SUB)
    if lowered is None and (counted := _COUNTED.fullmatch(core)):
        lowered = f"{_translated(counted[1], _SUB)}{counted[2]}"
    if lowered is None and before[-1:].isalpha() and _NAME.fullmatch(core):
        return text
    return _keep_edges(text, core, lowered or f"_{{{core}}}")


def _translated(text: str, table: dict[str, str]) -> str | None:
    """Return `text` in the characters of `table`; None when one is missing, or for whole words, hard to read so."""
    if _WORD.search(text):
        return None
    letters = [table.get(letter) for letter in text]
    return None if None in letters else "".join(letter for letter in letters if letter)


def _keep_edges(text: str, core: str, changed: str) -> str:
    start = text.index(core)
    return f"{text[:start]}{changed}{text[start + len(core) :]}"


def underlined(text: str, after: str) -> str:
    """Return underlined `text`; an underlined > before a number (`after`) is how ≥ is typed for want of the sign."""
    sign = _UNDERLINED.get(text.strip(), "")
    return text.replace(text.strip(), sign) if sign and after.lstrip()[:1].isdigit() else text
