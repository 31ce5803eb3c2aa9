"""Vocabularies of terms as data, read from `configs/vocabularies`.

A vocabulary is a YAML: groups of terms in several languages, in any case or `exact`, and `not`, phrases that are no
mention though a term lies within them; `signs` point to a group without naming it. Not here: finding terms
(`mentions`), what a text is about (`coverage`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipelines.engine.hashing import sha256_bytes
from pipelines.stages.mentions import NO_MENTION, SIGN, STEM, Matcher, Terms

FOLDER = Path(__file__).parents[2] / "configs" / "vocabularies"
LANGUAGES = ("en", "fr", "es", "pt", "ar")
_ALSO = ("sw", "zh")
"""Languages of which not every group has terms."""
_PLURAL = ("en", "fr", "es", "pt")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Groups of one axis, by name, with what else is known of them (`of`, `icd11`, ...), and the file's digest."""

    axis: str
    groups: Mapping[str, Mapping[str, Any]]
    matcher: Matcher
    sha256: str


@lru_cache(maxsize=8)
def load_vocabulary(name: str) -> Vocabulary:
    """Return the vocabulary in `configs/vocabularies/NAME.yaml`, whose terms are those of its groups."""
    raw = (FOLDER / f"{name}.yaml").read_bytes()
    body = YAML(typ="safe").load(raw)
    groups: dict[str, Mapping[str, Any]] = body["groups"]
    folded, exact = [], []
    for group, entry in groups.items():
        exact += [(str(term), group) for term in entry.get("exact", ())]
        named = (*LANGUAGES, *_ALSO)
        folded += [(term, group) for language in named for term in _forms(entry.get(language, ()), language)]
    folded += [(term, NO_MENTION) for entry in groups.values() for term in entry.get("not", ())]
    folded += [(form, SIGN + group) for group, entry in groups.items() for form in _forms(entry.get("signs", ()), "en")]
    return Vocabulary(body["axis"], groups, Matcher(Terms(folded, exact)), sha256_bytes(raw))


@lru_cache(maxsize=1)
def load_countries() -> Vocabulary:
    """Return the vocabulary of countries and regions; groups are codes of ISO 3166 and `region:` names."""
    raw = (FOLDER / "countries.yaml").read_bytes()
    body = YAML(typ="safe").load(raw)
    countries: dict[str, Mapping[str, Any]] = body["countries"]
    terms = [(term, NO_MENTION) for term in _forms(body["not"], "en")]
    for code, entry in countries.items():
        terms += [(str(term), code) for term in (*entry["names"].values(), *entry["also"])]
    for region, names in body["regions"].items():
        terms += [(term, f"region:{region}") for language in LANGUAGES for term in names.get(language, ())]
    return Vocabulary(body["axis"], countries, Matcher(Terms((), terms)), sha256_bytes(raw))


def _forms(terms: Iterable[str], language: str) -> Iterator[str]:
    """Yield each term and, where a language makes its plural so, the term with an s."""
    for term in terms:
        yield term
        if language in _PLURAL and not term.endswith(("s", STEM)):
            yield f"{term}s"
