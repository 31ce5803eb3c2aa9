"""Where two aligned texts differ, told so that sentences stay whole.

An alignment is not unique: of "A the dose. The child." a sentence that was put in before can seem to end in the middle
of the next one that begins with the same word. What only one text has is moved along equal words until it begins and
ends with sentences, and pieces of it that a stray equal word parts are joined, as the semantic clean-up of Fraser's
diff-match-patch does. Compiled: two articles differ in hundreds of places. Not here: alignment (`near_align`), and what
a difference means (`near_guard`).
"""

from pipelines.engine.compiled import compiled
from pipelines.stages.near_align import align, differences
from pipelines.stages.near_letters import Hashes
from pipelines.stages.near_tokens import STARTS, Flags, Places, Tokens

MAX_SLIDE = 200
_CANNOT = 1 << 40
"""A shift that no text allows."""


def stretches_between(one: Tokens, other: Tokens) -> Places:
    """Return the stretches in which two texts differ, in order: rows (begin, end in one, begin, end in the other)."""
    found = differences(align(one.hashes, other.hashes), len(other.hashes))
    return found[: _tidied(found, one, other)]


@compiled
def _tidied(rows: Places, one: Tokens, other: Tokens) -> int:
    """Join and move stretches in place, and return how many are left."""
    count = 0
    for row in range(len(rows)):
        if count and _is_joined(rows[count - 1], rows[row], one.hashes, other.hashes):
            continue
        rows[count] = rows[row]
        count += 1
    for row in range(count):
        _slide_to_borders(rows[row], one, other)
    return count


@compiled
def _only(stretch: Places) -> int:
    """Return which of the texts alone has a stretch (0 or 1), -1 where both have something there."""
    if stretch[0] < stretch[1] and stretch[2] < stretch[3]:
        return -1
    return int(stretch[0] == stretch[1])


@compiled
def _are_equal(hashes: Hashes, first: int, second: int, size: int) -> bool:
    are_equal = True
    for place in range(size):
        are_equal = are_equal and hashes[first + place] == hashes[second + place]
    return are_equal


@compiled
def _is_joined(first: Places, second: Places, one: Hashes, other: Hashes) -> bool:
    """Join two stretches of one text in `first`, where the words between may stand before or behind them as well."""
    side = _only(first)
    if side < 0 or side != _only(second):
        return False
    hashes, gap = one if side == 0 else other, second[0] - first[1]
    begin, middle, last, end = first[2 * side], first[2 * side + 1], second[2 * side], second[2 * side + 1]
    if end - last >= gap and _are_equal(hashes, end - gap, middle, gap):
        end, moved = end - gap, 0
    elif middle - begin >= gap and _are_equal(hashes, begin, middle, gap):
        begin, moved = begin + gap, gap
    else:
        return False
    there = first[2 - 2 * side] + moved
    first[2 * side], first[2 * side + 1], first[2 - 2 * side], first[3 - 2 * side] = begin, end, there, there
    return True


@compiled
def _slide_to_borders(stretch: Places, one: Tokens, other: Tokens) -> None:
    """Move what only one text has so that it begins and ends with sentences, where equal words allow it."""
    side = _only(stretch)
    if side < 0:
        return
    hashes, flags = (one.hashes, one.flags) if side == 0 else (other.hashes, other.flags)
    shift = _slide(hashes, flags, stretch[2 * side], stretch[2 * side + 1], -1)
    if shift == _CANNOT:
        shift = _slide(hashes, flags, stretch[2 * side], stretch[2 * side + 1], 1)
    if shift != _CANNOT:
        stretch += shift


@compiled
def _slide(hashes: Hashes, flags: Flags, begin: int, end: int, step: int) -> int:
    """Return by how much a stretch must move to begin and end with sentences, `_CANNOT` where it cannot."""
    for shift in range(0, step * MAX_SLIDE, step):
        if is_border(flags, begin + shift) and is_border(flags, end + shift):
            return shift
        leaving = begin + shift - (step < 0)
        entering = end + shift - (step < 0)
        if leaving < 0 or entering >= len(hashes) or hashes[leaving] != hashes[entering]:
            return _CANNOT
    return _CANNOT


@compiled
def is_border(flags: Flags, place: int) -> bool:
    """Say whether a sentence or line begins at `place`, or the text ends there."""
    return place >= len(flags) or flags[place] & STARTS != 0
