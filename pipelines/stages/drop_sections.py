"""Leave sections out of a text by their title, and move the others to their new places.

A section goes with everything beneath it; the blank lines after it go too. Sections overlap (a parent covers its
children), so what is cut is the union of their stretches. Not here: which titles are unwanted.
"""

import re
from typing import Any

from pipelines.stages.offsets import OffsetMap, Replacement, apply_replacements, remap_sections

SEPARATOR = " > "
"""Between the headings of a section's path."""


def drop_sections(
    text: str, sections: list[dict[str, Any]], titles: re.Pattern[str]
) -> tuple[str, list[dict[str, Any]]]:
    """Return text and sections without those that have a heading in their path which `titles` matches whole."""
    unwanted = [
        s for s in sections if any(titles.fullmatch(part.strip()) for part in (s["path"] or "").split(SEPARATOR))
    ]
    if not unwanted:
        return text, sections
    cuts = _union(text, sorted((s["start"], s["end"]) for s in unwanted))
    left = [s for s in sections if not any(c.start <= s["start"] and s["end"] <= c.end for c in cuts)]
    return apply_replacements(text, cuts), remap_sections(left, OffsetMap(cuts))


def _union(text: str, stretches: list[tuple[int, int]]) -> list[Replacement]:
    cuts: list[Replacement] = []
    for start, end in stretches:
        whole_lines = start == 0 or text[start - 1] == "\n"
        while whole_lines and end < len(text) and text[end] == "\n":
            end += 1
        if cuts and start <= cuts[-1].end:
            start, end = cuts[-1].start, max(end, cuts.pop().end)
        cuts.append(Replacement(start, end, ""))
    return cuts
