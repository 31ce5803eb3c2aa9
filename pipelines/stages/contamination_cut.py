"""Cut spans out of a text along the borders of sentences, and move its sections to their new places.

A sentence ends at its mark before white space and a beginning, or at the end of a line; abbreviations, initials and
numbers of lists end none. Where that is in doubt the stretch grows, so that nothing is left of a sentence that was
begun: no number ever loses its unit. Whole lines go with the blank lines after them. Not here: what must go.
"""

from bisect import bisect_left, bisect_right
from typing import Any

import regex  # type: ignore[import-untyped]

from pipelines.stages.offsets import OffsetMap, Replacement, apply_replacements, remap_sections

CUT = "cut_contamination"
_SHORT = (
    "e.g|i.e|cf|vs|al|etc|approx|ca|resp|incl|excl|max|min|fig|figs|tab|eq|no|nos|vol|p|pp|dr|mr|mrs|ms|prof|st|ref"
)
_BORDER = regex.compile(
    rf"(?<!\b(?:{_SHORT}|\p{{Lu}}|\d+)\.)(?<=[.!?…؟।][\"'”’»)\]]*)[^\S\n]+(?=[\p{{Lu}}\p{{Lt}}\p{{Lo}}\p{{N}}\"'“‘«(\[¿¡<≤>≥*#-])"
    r"|(?<=[。！？])|\n+",
    regex.IGNORECASE,
)


def borders(text: str) -> list[int]:
    """Return where sentences may be cut apart, in rising order, start and end of the text among them."""
    return sorted({0, len(text), *(match.end() for match in _BORDER.finditer(text))})


def cut(text: str, sections: list[dict[str, Any]], spans: list[tuple[int, int]]) -> tuple[str, list[dict[str, Any]]]:
    """Return text and sections without the whole sentences that `spans` (code points) touch."""
    at = borders(text)
    grown = sorted((at[bisect_right(at, start) - 1], at[bisect_left(at, end)]) for start, end in spans if start < end)
    cuts: list[Replacement] = []
    for start, end in grown:
        start, end = _with_space(text, start, end)
        if cuts and start <= cuts[-1].end:
            start, end = cuts[-1].start, max(end, cuts.pop().end)
        cuts.append(Replacement(start, end, ""))
    left = [s for s in sections if not any(c.start <= s["start"] and s["end"] <= c.end for c in cuts)]
    return apply_replacements(text, cuts), remap_sections(left, OffsetMap(cuts))


def _with_space(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a stretch with the blank lines after whole lines, and without the spaces that would end a line."""
    whole_lines = start == 0 or text[start - 1] == "\n"
    if whole_lines and (end == len(text) or text[end - 1] == "\n"):
        return start, end
    if end == len(text) or text[end - 1] == "\n":
        end -= len(text[start:end]) - len(text[start:end].rstrip("\n"))
        while start > 0 and text[start - 1] in " \t":
            start -= 1
    return start, end
