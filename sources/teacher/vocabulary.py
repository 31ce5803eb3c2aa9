"""Words of clinical language beyond those of a base, from `vocabulary.yaml`: each list by its name, for a language.

What may stand in a case is closed: the words of its facts, and words that tell nothing clinical. A base holds most of
the words that a model could invent with; these lists hold the rest. Not here: who looks for them.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sources.teacher.knowledge import Knowledge
from sources.teacher.lexicon import fold, lexicon_of, stem
from sources.teacher.roots import lemma, root, words_in
from sources.teacher.verbalise import grammar

VOCABULARY = Path(__file__).with_name("vocabulary.yaml")
_PLACE = re.compile(r"\{\w+\}")
_CASE = (
    *("join", "age", "person", "later", "who", "opening", "placed", "verbs", "verbs_history", "nouns", "nouns_history"),
    *("verbs_absent", "no", "nouns_absent", "asked", "answers", "ask", "note", "talk", "values"),
)
"""The parts of the grammar that tell a case."""
_LISTS = ("clinical", "treatment", "procedure")
_STRICT = frozenset({"quality", "kin"})
"""Lists of what must not stand, in which a dictionary form that two words share would refuse a word that may."""


@lru_cache(maxsize=2)
def vocabulary(language: str) -> dict[str, frozenset[str]]:
    """Return the lists of a language, their words folded."""
    loaded: dict[str, dict[str, str]] = YAML(typ="safe").load(VOCABULARY.read_text(encoding="utf-8"))
    return {name: frozenset(map(fold, words.split())) for name, words in loaded[language].items()}


@lru_cache(maxsize=1 << 16)
def is_everyday(word: str, language: str) -> bool:
    """Say whether a word tells nothing clinical by itself."""
    return stem(fold(word), language) in _everyday(language)


@lru_cache(maxsize=2)
def _everyday(language: str) -> frozenset[str]:
    """Return the stems of everyday words, and of those with which the grammar tells a case of whatever base."""
    told = {
        word for key in _CASE for text in _texts(grammar(language)[key]) for word in words_in(_PLACE.sub(" ", text))
    }
    return frozenset(stem(fold(word), language) for word in vocabulary(language)["everyday"] | told)


@lru_cache(maxsize=1 << 16)
def may_stand(word: str, lists: tuple[str, ...], language: str) -> bool:
    """Say whether a word has the stem or the lemma of a word of some lists."""
    keys = {stem(fold(word), language), lemma(word, language)}
    return any(not keys.isdisjoint(_keys(name, language)) for name in lists)


@lru_cache(maxsize=16)
def _keys(name: str, language: str) -> frozenset[str]:
    """Return the stems of a list, and the lemmas of one that frees: among qualities "vive" is no form of "vivre"."""
    words = vocabulary(language)[name]
    stems = frozenset(stem(word, language) for word in words)
    return stems if name in _STRICT else stems | {lemma(word, language) for word in words}


def _texts(node: Any) -> Iterator[str]:
    """Yield the strings of a tree."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for one in node.values():
            yield from _texts(one)
    else:
        for one in node:
            yield from _texts(one)


@lru_cache(maxsize=1 << 16)
def is_listed(word: str, names: tuple[str, ...], language: str) -> bool:
    """Say whether a word, or its singular, stands in one of the lists."""
    folded = fold(word)
    return any(vocabulary(language)[name] & {folded, folded.removesuffix("s")} for name in names)


@lru_cache(maxsize=8)
def _listed(name: str, language: str) -> frozenset[str]:
    return frozenset(root(word, language) for word in vocabulary(language)[name])


_made: dict[tuple[str, str, str], frozenset[str]] = {}


def listed_roots(language: str) -> frozenset[str]:
    """Return the roots of the clinical words of the lists."""
    return frozenset[str]().union(*(_listed(name, language) for name in _LISTS))


def clinical_roots(knowledge: Knowledge, language: str) -> frozenset[str]:
    """Return the roots of all clinical words: those by which a base calls its findings, and those of the lists."""
    key = (knowledge.name, knowledge.sha256, language)
    if key not in _made:
        _made[key] = _roots(knowledge, language)
    return _made[key]


def _roots(knowledge: Knowledge, language: str) -> frozenset[str]:
    lexicon = lexicon_of(knowledge, language)
    texts = [text for evidence in knowledge.evidences.values() for text in evidence.spoken(language)]
    words = {word for text in texts for word in words_in(text)}
    kept = {word for word in words if not lexicon.is_small(fold(word)) and not is_everyday(word, language)}
    return listed_roots(language).union(root(word, language) for word in kept)
