"""Rights of a text that was made from others: the most restrictive of its parents' and its own, all terms carried.

The licence is the conjunction of all of them, so a use is granted only if each grants it; evidence and attribution are
those of all; one reservation of text mining reserves the whole. A text made from one that may not be changed (ND)
therefore grants no use that an open profile asks for. Share-alike asks that an adaptation be passed on under the same
licence: where two ask for different ones, or one for a licence that another parent forbids to grant, no licence meets
both and nothing can be released (`conflict`). A mixture that only collects texts adapts none. This is evidence keeping,
not legal advice. Not here: which documents are parents (`pipelines.stages.rights_gate`).
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from sources.rights import Rights, conjunction, rights_from, terms_of

_SHARE_ALIKE = re.compile(r"(CC-BY-NC-SA|CC-BY-SA|CC-SA|ODbL|CDLA-Sharing)-.*")
_NONCOMMERCIAL = re.compile(r"CC-BY-NC-.*")
_CLOSED = "CC-BY-NC-SA"
"""The share-alike licence under which parents for noncommercial use may be adapted."""


def inherited(own: Rights, parents: Iterable[Rights]) -> Rights:
    """Return the rights of a text with rights of its own that was made from texts with these; `own` without parents."""
    every = [own, *parents]
    if len(every) == 1:
        return own
    return rights_from(
        conjunction(one.spdx for one in every),
        _joined(one.evidence for one in every),
        attribution=_joined(one.attribution for one in every),
        tdm_reserved=any(one.tdm_reserved for one in every),
    )


@lru_cache(maxsize=4096)
def conflict(spdx: str) -> str:
    """Return which share-alike terms of an expression no licence meets at once, "" when one does."""
    found = [_conflict(choice) for choice in terms_of(spdx)]
    return "" if "" in found else found[0]


def needs_attribution(rights: Rights) -> bool:
    """Say whether whoever passes a text on must name its author: all but the public domain asks for it."""
    return rights.basis != "public_domain"


def _conflict(choice: tuple[str, ...]) -> str:
    asked = {found[1]: key for key in choice if (found := _SHARE_ALIKE.fullmatch(key))}
    if len(asked) > 1:
        return " and ".join(sorted(asked.values()))
    closed = [key for key in choice if _NONCOMMERCIAL.fullmatch(key)]
    if asked and closed and _CLOSED not in asked:
        return f"{next(iter(asked.values()))} and {closed[0]}"
    return ""


def _joined(values: Iterable[str]) -> str:
    parts = (part.strip() for value in values for part in value.split("; "))
    return "; ".join(dict.fromkeys(part for part in parts if part))
