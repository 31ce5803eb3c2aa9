"""Words as they are compared across inflections: by roots, stems cut short, of which one may begin another.

So "hoarse" and "hoarseness", "persistent" and "persistant" are the same. That is loose, and safe only against the few
words of one case (`case_words`). Not here: the stems by which a whole base is searched (`lexicon`).
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from simplemma import lemmatize

from sources.teacher.lexicon import fold, stem

_WORD = re.compile(r"[^\W\d_]+")
_LONGEST_ROOT, _SHORTEST_ROOT = 6, 4
_ADJECTIVE = re.compile(r"(?<=[^\W_]{3}[^aeiou\W_])(?:iness|ishness|ness|y|ish)$|(?<=[^\W_]{3}e)ness$")
"""Endings by which a finding becomes a quality: itchy, itchiness; feverish, feverishness."""
_SAME = {
    **{"swollen": "swell", "swelling": "swell", "fed": "feed", "bled": "bleeding", "bleed": "bleeding"},
    **{"bore": "birth", "born": "birth", "abdomen": "abdominal", "sticky": "sticky"},
    **dict.fromkeys(("vit", "vive", "vivent", "vivant", "vivait", "vecu"), "vivre"),
}
"""Roots that no ending tells, as they are looked up."""


@lru_cache(maxsize=1 << 16)
def root(word: str, language: str) -> str:
    """Return a word as it is compared."""
    folded = fold(word)
    if language == "en" and folded not in _SAME:
        folded = _ADJECTIVE.sub("", folded)
    return stem(_SAME.get(folded, folded), language)[:_LONGEST_ROOT]


_PARTICIPLE = re.compile(r"(.{2,}[éiust])(?:e|s|es)")
"""A French participle that agrees with a noun, of which the dictionary has the bare one only."""


@lru_cache(maxsize=1 << 16)
def lemma(word: str, language: str) -> str:
    """Return the form under which a dictionary has a word, folded ("venait", "venant", "venues": venir)."""
    plain = word.casefold()
    found = lemmatize(plain, lang=language)
    if language == "fr" and found == plain and (participle := _PARTICIPLE.fullmatch(plain)):
        shorter = lemmatize(participle[1], lang=language)
        found = shorter if shorter.endswith(("er", "ir", "re")) else found
    return fold(found)


def words_in(text: str) -> list[str]:
    """Return the words of a text without numbers."""
    return _WORD.findall(text)


@lru_cache(maxsize=1 << 14)
def _known(text: str, language: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the roots and the lemmas of a text, and the beginnings of its roots; cases have most texts in common."""
    words = words_in(text)
    own = frozenset(root(word, language) for word in words)
    begun = frozenset(one[:n] for one in own for n in range(_SHORTEST_ROOT, len(one) + 1))
    return own, frozenset(lemma(word, language) for word in words), begun


class Roots:
    """A set of roots, in which a word is also found by the beginning of a root or by more than one."""

    def __init__(self, texts: Iterable[str], language: str) -> None:
        self.language, known = language, [_known(text, language) for text in texts]
        self.own = frozenset[str]().union(*(own for own, _, _ in known))
        self._lemmas = frozenset[str]().union(*(lemmas for _, lemmas, _ in known))
        self._begun = frozenset[str]().union(*(begun for _, _, begun in known))

    def __contains__(self, word: object) -> bool:
        """Say whether a word has one of these roots."""
        if not isinstance(word, str):
            return False
        return self.holds(root(word, self.language)) or lemma(word, self.language) in self._lemmas

    def has_kin_of(self, word: str) -> bool:
        """Say whether a long word begins as a long one of these does: "uterine" as "uterus", "douloureux" as "douleur".

        That is looser still, for use against the words of one fact alone.
        """
        one = root(word, self.language)
        return len(one) > _SHORTEST_ROOT and any(
            len(own) > _SHORTEST_ROOT and own[:_SHORTEST_ROOT] == one[:_SHORTEST_ROOT] for own in self.own
        )

    def holds(self, one: str) -> bool:
        """Say whether a root is one of these, begins one, or is begun by one."""
        return (
            one in self.own or one in self._begun or any(one[:n] in self.own for n in range(_SHORTEST_ROOT, len(one)))
        )
