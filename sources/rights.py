"""What may be done with a text: an SPDX expression, the evidence for it, and what follows from it.

Unknown means no: a use is granted only by a licence that is listed here and meant for texts, so GPL, GFDL or a licence
that nobody looked at grant nothing. Of `A AND B` both must allow a use; of `A OR B` one is chosen, and all uses follow
from that one; `A WITH exception` counts as A, as SPDX exceptions only add permissions. Licences outside SPDX are the
`LicenseRef-` names below. "All rights reserved" says no more than the law says of a page that is silent, so it is held
like unknown: research inside the house, never released. A reservation of text and data mining is an express no, which
no profile passes over. Share-alike is not a restriction of use: its terms travel with the text as attribution does.
This is evidence keeping, not legal advice.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, Literal, NamedTuple, get_args

from license_expression import ExpressionError, LicenseSymbol, LicenseWithExceptionSymbol, Licensing, get_spdx_licensing

Basis = Literal["licence", "public_domain", "permission", "text_mining_exception", "unknown"]
Profile = Literal["open", "open-noncommercial", "research-internal"]
PROFILES: tuple[Profile, ...] = get_args(Profile)

UNKNOWN = "LicenseRef-unknown"
PUBLIC_DOMAIN = "LicenseRef-public-domain"
US_GOVERNMENT = "LicenseRef-Open-Government-US"
RESERVED = "LicenseRef-all-rights-reserved"
MINING_ONLY = "LicenseRef-PMC-TDM"
"""Author manuscripts in PMC: text mining is permitted, passing the text on is not."""
OWN_REFS = frozenset({UNKNOWN, PUBLIC_DOMAIN, US_GOVERNMENT, RESERVED, MINING_ONLY})

MAX_EXPRESSION_CHARS = 500
_PUBLIC = frozenset({"CC0-1.0", "CC-PDM-1.0", "CC-PDDC", "PDDL-1.0", "NIST-PD", PUBLIC_DOMAIN, US_GOVERNMENT})
_OPEN = re.compile(
    r"CC-BY(-SA)?-\d\.\d(-[A-Z]+)?|CC-SA-1\.0|ODC-By-1\.0|ODbL-1\.0|CDLA-(Permissive-[12]|Sharing-1)\.0|"
    r"OGL-UK-[123]\.0|OGL-Canada-2\.0|NIST-PD-fallback|etalab-2\.0|NLOD-[12]\.0|DL-DE-(BY|ZERO)-2\.0|OGDL-Taiwan-1\.0|"
    r"MIT|MIT-0|Apache-2\.0|BSD-[23]-Clause|0BSD|ISC|Unlicense|PSF-2\.0"
)
_NONCOMMERCIAL = re.compile(r"CC-BY-NC(-SA)?-\d\.\d(-[A-Z]+)?")
_NODERIVATIVES = re.compile(r"CC-BY-ND-\d\.\d(-[A-Z]+)?")
_NEITHER = re.compile(r"CC-BY-NC-ND-\d\.\d(-[A-Z]+)?")


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


class _Grant(NamedTuple):
    """What one licence, or a choice of licences, allows. Greater is better: a choice takes the greatest."""

    train: bool = False
    redistribute: bool = False
    derive: bool = False
    commercial: bool = False
    public: bool = False


def _licensing() -> Licensing:
    return Licensing([*get_spdx_licensing().known_symbols.values(), *(LicenseSymbol(name) for name in OWN_REFS)])


_LICENSING = _licensing()


@lru_cache(maxsize=4096)
def _read(expression: str) -> tuple[str, _Grant]:
    """Return an SPDX expression in its canonical spelling and what it grants. Raises ValueError."""
    if len(expression) > MAX_EXPRESSION_CHARS:
        raise ValueError(f"{len(expression)} characters are no SPDX expression")
    try:
        tree = _LICENSING.parse(expression, validate=True, strict=True)
    except (ExpressionError, LookupError, AttributeError, TypeError) as error:  # it trips over "()" and the like
        raise ValueError(f"{expression!r} is no SPDX expression known here") from error
    if tree is None or any(key.startswith("LicenseRef-") and key not in OWN_REFS for key in tree.objects):
        raise ValueError(f"{expression!r} is empty or names a LicenseRef that sources/rights.py does not declare")
    return str(tree), max(_choices(tree))


def _choices(tree: Any) -> set[_Grant]:
    """Return what each choice that an expression leaves open grants; there are few, as equal ones fall together."""
    if isinstance(tree, LicenseWithExceptionSymbol):
        return {_grant(tree.license_symbol.key)}
    if isinstance(tree, LicenseSymbol):
        return {_grant(tree.key)}
    parts = [_choices(part) for part in tree.args]
    if isinstance(tree, _LICENSING.OR):
        return set().union(*parts)
    choices = parts[0]
    for part in parts[1:]:
        choices = {_Grant(*map(all, zip(one, other, strict=True))) for one, other in product(choices, part)}
    return choices


def _grant(key: str) -> _Grant:
    if key in _PUBLIC:
        return _Grant(True, True, True, True, public=True)
    if _OPEN.fullmatch(key):
        return _Grant(True, True, True, True)
    if _NONCOMMERCIAL.fullmatch(key):
        return _Grant(True, True, derive=True)
    if _NODERIVATIVES.fullmatch(key):
        return _Grant(True, True, commercial=True)
    if _NEITHER.fullmatch(key):
        return _Grant(True, True)
    return _Grant(train=key == MINING_ONLY)


@lru_cache(maxsize=4096)
def rights_from(spdx: str, evidence: str = "", *, attribution: str = "", tdm_reserved: bool = False) -> Rights:
    """Return the rights that follow from an SPDX expression, its spelling made canonical.

    Raises ValueError when `spdx` is not an expression of SPDX or `LicenseRef-` keys known here.
    """
    spdx, grant = _read(spdx)
    return Rights(
        spdx=spdx,
        basis=_basis(grant),
        evidence=evidence,
        attribution=attribution,
        train=grant.train and not tdm_reserved,
        redistribute=grant.redistribute,
        derive=grant.derive and not tdm_reserved,
        commercial=grant.commercial,
        tdm_reserved=tdm_reserved,
    )


def conjunction(expressions: Iterable[str]) -> str:
    """Return the expression under which texts of all these stand together, each licence named once, in a fixed order.

    Raises ValueError as `rights_from` does.
    """
    trees = [_LICENSING.parse(_read(one)[0]) for one in dict.fromkeys(expressions)]
    joined = _LICENSING.AND(*trees).simplify() if len(trees) > 1 else trees[0]
    return str(joined)


@lru_cache(maxsize=4096)
def terms_of(spdx: str) -> tuple[tuple[str, ...], ...]:
    """Return each choice of licences that an expression leaves, as the licences that then hold together."""
    tree = _LICENSING.dnf(_LICENSING.parse(_read(spdx)[0]))
    choices = tree.args if isinstance(tree, _LICENSING.OR) else (tree,)
    return tuple(tuple(sorted(choice.objects)) for choice in choices)


def _basis(grant: _Grant) -> Basis:
    if grant.public:
        return "public_domain"
    if grant.redistribute:
        return "licence"
    return "text_mining_exception" if grant.train else "unknown"


def allows(rights: Rights, profile: Profile) -> bool:
    """Say whether a document with `rights` may be trained on under `profile`; False for anything that is no profile.

    Mixtures cut and pack texts, so the open profiles ask for the right to derive as well.
    """
    if rights.tdm_reserved:
        return False
    if profile == "research-internal":
        return True
    if profile not in ("open", "open-noncommercial"):
        return False
    usable = rights.train and rights.redistribute and rights.derive
    return usable and (rights.commercial or profile == "open-noncommercial")


def may_release(rights: Rights, profile: Profile) -> bool:
    """Say whether a document may be published in a mixture of `profile`: nothing of research-internal ever is."""
    return profile in ("open", "open-noncommercial") and allows(rights, profile)
