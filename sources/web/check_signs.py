"""Signs on a fetched page that a check of the catalogue goes by: a licence's own words, a challenge, a page moved.

A licence is looked for by its address and by its usual name, so that new wording around it is no change of rights. Not
here: what is fetched, and what follows (`sources.web.check`).
"""

import re
from urllib.parse import urlsplit

from sources.rights import OWN_REFS, PUBLIC_DOMAIN, RESERVED, UNKNOWN, US_GOVERNMENT

CHALLENGE_CHARS = 2_000
"""A page with more visible text than this is a page, whatever scripts it loads."""
_CHALLENGE = re.compile(
    r"captcha|cf-challenge|challenge-platform|just a moment\.\.\.|access denied|you are (?:a )?human|are you a robot"
    r"|unusual traffic|enable javascript and cookies|request unsuccessful|bot detection",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"<(script|style|noscript)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.IGNORECASE | re.DOTALL)
_CC = re.compile(r"CC-(BY(?:-NC)?(?:-SA|-ND)?)-(\d\.\d)(?:-(IGO))?(?:-[A-Z]+)?", re.IGNORECASE)
_LONG = {"BY": "attribution", "NC": "noncommercial", "SA": "sharealike", "ND": "noderivatives|noderivs"}
_OWN = {
    US_GOVERNMENT: r"public domain|not (?:subject to|protected by) copyright|free of copyright",
    PUBLIC_DOMAIN: r"public domain",
    RESERVED: r"all rights reserved|©|\(c\)|&copy;|copyright",
    "CC0-1.0": r"publicdomain/zero/1\.0|\bCC0\b|CC ?Zero",
}


def licence_marker(spdx: str) -> re.Pattern[str] | None:
    """Return what a page that grants the licences of `spdx` holds, None when nothing is granted or known to look for.

    Of several licences one found is enough.
    """
    names = [name for name in re.split(r"[\s()]+", spdx) if name not in ("", "AND", "OR", "WITH")]
    signs = [sign for name in names if (sign := _sign(name))]
    return re.compile("|".join(signs), re.IGNORECASE) if signs else None


def _sign(name: str) -> str:
    if name == UNKNOWN or (name in OWN_REFS and name not in _OWN):
        return ""
    if name in _OWN:
        return _OWN[name]
    match = _CC.fullmatch(name)
    if not match:
        return re.escape(name).replace(r"\-", r"[\s-]+")
    elements, version, igo = match[1], re.escape(match[2]), match[3]
    short = elements.replace("-", r"[\s-]*")
    long = r"[\s-]*".join(f"(?:{_LONG[element]})" for element in elements.upper().split("-"))
    end = r"[\s-]*(?:igo|intergovernmental)" if igo else ""
    address = f"licenses/{elements}/{version}" + ("/igo" if igo else "")
    return rf"{address}|\bCC[\s-]*{short}[\s-]*{version}{end}|{long}[\s-]*{version}{end}"


def is_challenge(body: bytes) -> bool:
    """Say whether a page asks its visitor to prove something rather than showing what was asked for."""
    page = body[: 1 << 20].decode("utf-8", "replace")
    visible = " ".join(_HIDDEN.sub(" ", page).split())
    return len(visible) <= CHALLENGE_CHARS and _CHALLENGE.search(page) is not None


def is_elsewhere(asked: str, answered: str) -> bool:
    """Say whether an answer came from another place than was asked for; scheme, `www.` and a last slash aside."""
    return _place(asked) != _place(answered)


def _place(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return (parts.hostname or "").removeprefix("www."), parts.path.rstrip("/"), parts.query
