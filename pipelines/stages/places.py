"""Say in which countries a text is set, and which regions and income groups follow.

A place counts wherever it is named but in an address: of a maker ("(Siemens, Eschborn, Germany)"), of a publisher
("(New York: Knopf"), of an author or editor; nor in the name of a person who is cited ("Aragón et al."), of an
institution ("University of Otago", "Swiss Tropical Institute"), of a guideline or an ancestry, nor in a title that is
cited. A region counts what is named within it. Not here: the names (`vocabulary`, `vocabularies/countries.yaml`).
"""

import re

from pipelines.stages.about import TITLE_MENTIONS, Named, most_named
from pipelines.stages.vocabulary import load_countries

_REGION = "region:"
_MAKER_CHARS, _AUTHOR_CHARS, _EMAIL_CHARS, _WITHIN_CHARS = 90, 250, 60, 80
_MAKER = re.compile(
    r"\((?=[^()]*(?:\b(?:Inc|Ltd|GmbH|Corp|Corporation|LLC|AG|Co|Company|Pty|Pvt|SpA|BV|Sigma|Merck|Roche|Pfizer|Bayer"
    r"|Thermo|Bio[- ]?\w*|Life|\w*gen|\w*[Tt]ech\w*|\w*[Ss]ystems?|Diagnostics?|Instruments?|Scientific|Laboratories"
    r"|Pharma\w*|Medical|Healthcare|Johnson|Siemens|Philips|Software|StataCorp|SPSS|SAS|version)\b|[\u2122\u00ae&]))"
    r"[^()]*,\s*$"
)
_AUTHOR = re.compile(
    r"Corresponding [Aa]uthor|Author [Aa]ffiliation|Correspondence|Edited by|Reviewed by|Academic Editor"
)
_CITED = (" et al", " and others")
_WITHIN = re.compile(
    r"\b(?:Universit\w+|Universidade?|Universitat|College|School|Institut\w*|Academy|Agency|Facult\w+|Foundation|Journal"
    r"|Society|Association|Registry|Bank|Press|Embassy)(?: (?:[A-Z]\w*|of|and|for|de)){0,4} (?:of|de|da|do|del|des|for)"
    r"(?: the| la)? $"
)
"""What stands before a place that is part of an institution's name."""
_OF_IT = re.compile(
    r"(?:[ -](?:[A-Z][\w'’]*|and|of|for|in|on|the|&)){0,8}?[ -](?:Universit\w+|College|School|Institutes?|Academy"
    r"|Agency|Task Force|Cent(?:re|er)|Council|Society|Association|Foundation|Registry|Work(?:ing)? Group|Press)\b"
    r"|[ -](?:(?:national|clinical|practice|evidence-based|treatment|consensus) )*guidelines?\b"
    r"|(?:[ ,/-]+(?:[A-Z]\w*|and|or|of)){0,8}?[ -]ancestr(?:y|ies)\b"
)
"""What follows a place that is part of the name of an institution, a guideline or an ancestry."""
_REFERENCE = re.compile(
    r"[^;]{0,160}\b(?:19|20)\d\d(?: [A-Z][a-z]{2}\w*(?: \d+)?)?; ?\d+ ?(?:\([^()]{1,12}\))? ?: ?[A-Za-z]?\d"
)
"""A year, a volume and a page: what stands before them is a title that is cited."""


def places_of(title: str, text: str, named: Named, least: float, min_share: float) -> dict[str, list[str]]:
    """Return the countries, the regions and the income groups of a text, each sorted."""
    countries = load_countries()
    weights = _weighed(title, text, named)
    states = {name: weight for name, weight in weights.items() if not name.startswith(_REGION)}
    regions: dict[str, float] = {}
    for name, weight in weights.items():
        region = str(countries.groups[name]["region"]) if name in states else name.removeprefix(_REGION)
        regions[region] = regions.get(region, 0) + weight
    regions.pop("none", None)
    chosen = most_named(states, least, min_share)
    incomes = {str(countries.groups[code]["income"]) for code in chosen} - {"unclassified"}
    return {"country": chosen, "region": most_named(regions, least, min_share), "income": sorted(incomes)}


def _weighed(title: str, text: str, named: Named) -> dict[str, float]:
    weights: dict[str, float] = {}
    for where, mentions, worth in ((text, named.text, 1), (title, named.title, TITLE_MENTIONS)):
        for group, start, stop in mentions:
            if not _is_address(where, start, stop):
                weights[group] = weights.get(group, 0) + worth
    return weights


def _is_address(text: str, start: int, stop: int) -> bool:
    """Say whether a place stands in the address of a maker, a publisher or an author, in a name or in a reference."""
    if text[stop : stop + 2] == ": " and text[max(0, start - 2) : start].strip() in ("(", "."):
        return True
    if text.startswith(_CITED, stop):
        return True
    if "@" in text[max(0, start - _EMAIL_CHARS) : stop + _EMAIL_CHARS]:
        return True
    if _AUTHOR.search(text, max(0, start - _AUTHOR_CHARS), start):
        return True
    if _is_in_name(text, start, stop) or _REFERENCE.match(text, stop):
        return True
    opened = text.rfind("(", max(0, start - _MAKER_CHARS), start)
    return opened >= 0 and bool(_MAKER.match(text[opened:start]))


def _is_in_name(text: str, start: int, stop: int) -> bool:
    """Say whether a place is part of the name of an institution, a guideline or an ancestry."""
    before = text[max(0, start - _WITHIN_CHARS) : start]
    return bool(_WITHIN.search(before) or _OF_IT.match(text, stop))
