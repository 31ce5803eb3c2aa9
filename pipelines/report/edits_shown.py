"""Mark what stages changed in a text: the words that went and those that came, between those that stayed.

Words with the white space after them are compared (Ratcliff and Obershelp's matching of `difflib`), over the first
thousands of characters, as the report shows no more. Not here: which documents are shown.
"""

import re
from difflib import SequenceMatcher
from typing import Literal

SHOWN_CHARS = 5000
_PIECE = re.compile(r"\S+\s*|\s+")
Mark = tuple[Literal["=", "-", "+"], str]


def marked(original: str, cleaned: str, limit_chars: int = SHOWN_CHARS) -> list[Mark]:
    """Return stretches of both texts, up to `limit_chars` of each: "=" in both, "-" only before, "+" only after."""
    if original == cleaned:
        return [("=", cleaned[:limit_chars])]
    before, after = (_PIECE.findall(text[:limit_chars]) for text in (original, cleaned))
    marks: list[Mark] = []
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    if len(original) > limit_chars or len(cleaned) > limit_chars:
        while codes and codes[-1][0] != "equal":  # where one text was cut off, the other goes on
            codes.pop()
    for tag, a, b, c, d in codes:
        if tag == "equal":
            marks.append(("=", "".join(after[c:d])))
            continue
        for sign, words in (("-", before[a:b]), ("+", after[c:d])):
            if words:
                marks.append((sign, "".join(words)))  # type: ignore[arg-type]
    return marks
