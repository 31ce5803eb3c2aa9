"""The plain words in which a teacher writes outside of marks: shown in its prompt, and let stand by the checks.

One list for both, `plain_words.yaml`, so that a writer who keeps to the prompt is not refused for a word that a base
happens to tell a finding by. Not here: words that may stand there though no prompt shows them (`vocabulary`).
"""

from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML

from sources.teacher.lexicon import fold, stem
from sources.teacher.roots import lemma

PLAIN_WORDS = Path(__file__).with_name("plain_words.yaml")
CASE, ANSWER = "case", "answer"


@lru_cache(maxsize=4)
def plain_words(part: str, language: str) -> tuple[str, ...]:
    """Return the words of the case or of the answer, each once, as they are shown."""
    loaded: dict[str, dict[str, str]] = YAML(typ="safe").load(PLAIN_WORDS.read_text(encoding="utf-8"))
    return tuple(dict.fromkeys(loaded[language][part].split()))


@lru_cache(maxsize=1 << 14)
def is_plain(word: str, part: str, language: str) -> bool:
    """Say whether a word is a plain one in some form."""
    stems, lemmas = _forms(part, language)
    return stem(fold(word), language) in stems or lemma(word, language) in lemmas


@lru_cache(maxsize=4)
def _forms(part: str, language: str) -> tuple[frozenset[str], frozenset[str]]:
    words = [piece for word in plain_words(part, language) for piece in word.split("-")]
    return frozenset(stem(fold(word), language) for word in words), frozenset(lemma(word, language) for word in words)
