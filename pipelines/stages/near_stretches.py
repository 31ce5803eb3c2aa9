"""Where two aligned texts differ, told so that sentences stay whole.

An alignment is not unique: of "A the dose. The child." a sentence that was put in before can seem to end in the middle
of the next one that begins with the same word. What only one text has is moved along equal words until it begins and
ends with sentences, and pieces of it that a stray equal word parts are joined, as the semantic clean-up of Fraser's
diff-match-patch does. Not here: alignment (`near_align`), and what a difference means (`near_guard`).
"""

from pipelines.stages.near_align import align, differences
from pipelines.stages.near_tokens import STARTS, Tokens

Stretch = tuple[int, int, int, int]
"""Begin and end in one text, begin and end in the other."""
MAX_SLIDE = 200


def stretches_between(one: Tokens, other: Tokens) -> list[Stretch]:
    """Return the stretches in which two texts differ, in order."""
    texts = (one, other)
    found: list[Stretch] = []
    for row in differences(align(one.hashes, other.hashes), len(other.hashes)).tolist():
        stretch: Stretch = (row[0], row[1], row[2], row[3])
        joined = _joined(texts, found[-1], stretch) if found else None
        if joined:
            found[-1] = joined
        else:
            found.append(stretch)
    return [_slid(texts, stretch) for stretch in found]


def _only(stretch: Stretch) -> int:
    """Return which of the texts alone has a stretch (0 or 1), -1 where both have something there."""
    a0, a1, b0, b1 = stretch
    return -1 if a0 < a1 and b0 < b1 else int(a0 == a1)


def _joined(texts: tuple[Tokens, Tokens], first: Stretch, second: Stretch) -> Stretch | None:
    """Return two stretches of one text as one, where the words between may stand before or behind it as well."""
    side = _only(first)
    if side < 0 or side != _only(second):
        return None
    hashes, gap = texts[side].hashes, second[0] - first[1]
    begin, middle, last, end = first[2 * side], first[2 * side + 1], second[2 * side], second[2 * side + 1]
    between = hashes[middle:last]
    if end - last >= gap and (hashes[end - gap : end] == between).all():
        return _moved((first[0], second[1], first[2], second[3]), side, end=-gap, others=0)
    if middle - begin >= gap and (hashes[begin : begin + gap] == between).all():
        return _moved((first[0], second[1], first[2], second[3]), side, begin=gap, others=gap)
    return None


def _moved(whole: Stretch, side: int, *, begin: int = 0, end: int = 0, others: int) -> Stretch:
    """Return a stretch of one side with its ends moved, and nothing at a place of the other side."""
    a0, a1, b0, b1 = whole
    if side == 0:
        return a0 + begin, a1 + end, b0 + others, b0 + others
    return a0 + others, a0 + others, b0 + begin, b1 + end


def _slid(texts: tuple[Tokens, Tokens], stretch: Stretch) -> Stretch:
    """Move what only one text has so that it begins and ends with sentences, where equal words allow it."""
    side = _only(stretch)
    if side < 0:
        return stretch
    begin, end = stretch[2 * side], stretch[2 * side + 1]
    shift = _slide(texts[side], begin, end, -1)
    if shift is None:
        shift = _slide(texts[side], begin, end, 1) or 0
    return stretch[0] + shift, stretch[1] + shift, stretch[2] + shift, stretch[3] + shift


def _slide(text: Tokens, begin: int, end: int, step: int) -> int | None:
    """Return by how much a stretch must move to begin and end with sentences, None where it cannot."""
    hashes, size = text.hashes, len(text.hashes)
    for shift in range(0, step * MAX_SLIDE, step):
        if is_border(text, begin + shift) and is_border(text, end + shift):
            return shift
        leaving, entering = (begin + shift - 1, end + shift - 1) if step < 0 else (begin + shift, end + shift)
        if leaving < 0 or entering >= size or hashes[leaving] != hashes[entering]:
            return None
    return None


def is_border(text: Tokens, place: int) -> bool:
    """Say whether a sentence or line begins at `place`, or the text ends there."""
    return place >= len(text.hashes) or bool(text.flags[place] & STARTS)
