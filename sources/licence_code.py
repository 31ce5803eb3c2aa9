"""What an archive's licence code does to the licence that the article states itself: the narrower of the two wins.

PMC's codes (CC BY, CC BY-NC, CC0, TDM) name no version, so a code alone gives a key only where there is but one
version. It can confirm what the article says, or take it away: an article that says CC BY 4.0 under a code of CC BY-NC
is not known to be either. Not here: reading statements (`sources.parse.jats_licence`).
"""

import re

from sources.rights import MINING_ONLY

_ZERO, _MINING = "CC0", "TDM"
_CODE = re.compile(r"CC[ -](?P<kind>BY(?:-(?:NC|ND|SA))*)", re.IGNORECASE)
_KEY = re.compile(r"CC-(?P<kind>BY(?:-(?:NC|ND|SA))*)-\d\.\d")


def under_code(spdx: str | None, statement: str, code: str) -> str | None:
    """Return the key that holds for an article that states `spdx` (None when not understood) under an archive's code.

    `statement` is the evidence in the article, empty when it has none. None where the two leave doubt.
    """
    stated = _terms(_KEY, spdx or "")
    named = _terms(_CODE, code)
    if not code:
        return spdx
    if code.upper() == _MINING:
        return MINING_ONLY
    if code.upper() == _ZERO:
        return spdx if statement else "CC0-1.0"
    if named is None or stated is None:
        return None
    return spdx if stated >= named else None


def _terms(pattern: "re.Pattern[str]", text: str) -> frozenset[str] | None:
    """Return the terms of a licence (BY, NC), None for what is none of Creative Commons'."""
    found = pattern.match(text)
    return frozenset(found["kind"].upper().split("-")) if found else None
