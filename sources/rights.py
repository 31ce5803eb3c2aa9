"""What may be done with a text: an SPDX expression, the evidence for it, and what follows from it.

Unknown means no: a right is granted only when a licence that is known here grants it. Three profiles ask
the only question that the pipeline has, "may this document be in that mixture?". Licences that SPDX does not
list use `LicenseRef-` names, declared below. This is evidence keeping, not legal advice.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from license_expression import ExpressionError, get_spdx_licensing

Basis = Literal["licence", "public_domain", "permission", "text_mining_exception", "unknown"]
Profile = Literal["open", "open-noncommercial", "research-internal"]
PROFILES: tuple[Profile, ...] = ("open", "open-noncommercial", "research-internal")

UNKNOWN = "LicenseRef-unknown"
PUBLIC_DOMAIN = "LicenseRef-public-domain"
RESERVED = "LicenseRef-all-rights-reserved"
OWN_REFS = frozenset({UNKNOWN, PUBLIC_DOMAIN, RESERVED, "LicenseRef-Open-Government-US", "LicenseRef-PMC-TDM"})

_OPEN = re.compile(
    r"^(CC0-1\.0|CC-BY-[0-9.]+(-[A-Z]+)?|CC-BY-SA-[0-9.]+(-[A-Z]+)?|MIT|MIT-0|Apache-2\.0|BSD-[23]-Clause|ODC-By-1\.0|"
    r"OGL-UK-[0-9.]+|PDDL-1\.0|ISC|Unlicense|PSF-2\.0|LicenseRef-public-domain|LicenseRef-Open-Government-US)$"
)
_NONCOMMERCIAL = re.compile(r"^CC-BY-NC(-SA)?(-ND)?-[0-9.]+(-[A-Z]+)?$")
_NODERIVATIVES = re.compile(r"^CC-BY(-NC)?-ND-[0-9.]+(-[A-Z]+)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Licence, the evidence for it (a URL, or a file name with its digest) and what it allows."""

    spdx: str = UNKNOWN
    basis: Basis = "unknown"
    evidence: str = ""
    attribution: str = ""
    train: bool = False
    redistribute: bool = False
    derive: bool = False
    commercial: bool = False
    tdm_reserved: bool = False


@lru_cache(maxsize=4096)
def _keys(expression: str) -> tuple[str, ...]:
    """Return the licence keys of an SPDX expression. Raises ValueError when it is not one."""
    bare = re.sub(r"LicenseRef-[A-Za-z0-9.-]+", "MIT", expression)
    try:
        if get_spdx_licensing().validate(bare).errors:
            raise ValueError(expression)
    except ExpressionError as error:
        raise ValueError(expression) from error
    keys = tuple(re.findall(r"[A-Za-z0-9.+-]+", re.sub(r"\b(AND|OR|WITH)\b|[()]", " ", expression)))
    for key in keys:
        if key.startswith("LicenseRef-") and key not in OWN_REFS:
            raise ValueError(f"{key} is not declared in sources/rights.py")
    return keys


def rights_from(spdx: str, evidence: str = "", *, attribution: str = "", tdm_reserved: bool = False) -> Rights:
    """Return the rights that follow from an SPDX expression; of several licences all must allow a use.

    Raises ValueError when `spdx` is not a valid expression of SPDX or `LicenseRef-` keys known here.
    """
    keys = _keys(spdx)
    free = [bool(_OPEN.match(key)) for key in keys]
    nc = [bool(_NONCOMMERCIAL.match(key)) for key in keys]
    nd = [bool(_NODERIVATIVES.match(key)) for key in keys]
    known = all(a or b or c for a, b, c in zip(free, nc, nd, strict=True))
    public = all(key in {PUBLIC_DOMAIN, "CC0-1.0", "LicenseRef-Open-Government-US"} for key in keys)
    return Rights(
        spdx=spdx,
        basis="public_domain" if public else "licence" if spdx != UNKNOWN else "unknown",
        evidence=evidence,
        attribution=attribution,
        train=known and not tdm_reserved,
        redistribute=known,
        derive=known and not any(nd) and not tdm_reserved,
        commercial=all(free),
        tdm_reserved=tdm_reserved,
    )


def allows(rights: Rights, profile: Profile) -> bool:
    """Say whether a document with `rights` may be trained on under `profile` (fails closed)."""
    if profile == "research-internal":
        return not rights.tdm_reserved
    trainable = rights.train and rights.redistribute and rights.derive
    return trainable and (profile == "open-noncommercial" or rights.commercial)
