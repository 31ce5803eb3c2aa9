"""Which addresses and paths a source wants: patterns in its options.

A pattern is compared with the whole text; `*` stands for any characters, slashes too, and everything else for itself
(`?` and `.` are ordinary in addresses). One that begins with `re:` is a regular expression, searched anywhere.
"""

import re
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator


def wanted(text: str, include: tuple[str, ...], exclude: tuple[str, ...]) -> bool:
    """Say whether any pattern of `include` matches and none of `exclude`."""
    return any(_compiled(p).search(text) for p in include) and not any(_compiled(p).search(text) for p in exclude)


def reachable(folder: str, include: tuple[str, ...]) -> bool:
    """Say whether something below `folder` (which ends in a slash) could match any pattern of `include`."""
    starts = [p.partition("*")[0] for p in include if not p.startswith("re:")]
    return len(starts) < len(include) or any(folder.startswith(s) or s.startswith(folder) for s in starts)


@lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str]:
    if pattern.startswith("re:"):
        return re.compile(pattern[3:])
    pieces = (re.escape(piece) for piece in re.sub(r"\*+", "*", pattern).split("*"))
    return re.compile(rf"\A{'.*'.join(pieces)}\Z", re.DOTALL)


def _checked(pattern: str) -> str:
    try:
        _compiled(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    if not pattern:
        raise ValueError("an empty pattern matches nothing; leave it out")
    return pattern


Pattern = Annotated[str, AfterValidator(_checked)]
"""A pattern in an option."""
