"""The words by which each evidence and condition of a base is known in a text of one language.

Every evidence has forms: its clauses, topic and question word for word, and looser ones, sets of words that stand
close together (its `terms`, and the words of its topic). A form knows whether it says that the evidence is there, and
whether it holds a negation itself, so that "is not drinking" and "drinks well" both come out right. Words are
compared by stems: folded, without accents (for this comparison only) and common endings. Not here: reading a text
(`mentions`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from unicodedata import combining, normalize

from ruamel.yaml import YAML

from sources.teacher.knowledge import Evidence, Knowledge

WORDS = Path(__file__).with_name("lexicon.yaml")
RESOURCES = Path(__file__).with_name("resources.yaml")
DISEASES = Path(__file__).with_name("diseases.yaml")
OTHER = "other"
"""The code of a condition that no base has."""
DISEASE, TEST, VALUE, PLACE = "condition:", "test:", "value:", "place:"
"""Before the code of a condition that is named, the level of a test, the evidence of a value, or a setting: no evidence
is told by words within these (the whoop of a cough that ends in vomiting, a camp for cases of fever)."""
_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)?")
_ENDINGS = {
    "en": re.compile(r"(?:ings?|ed|es|s|e|ly)$"),
    "fr": re.compile(r"(?:ees|ee|es|e|s|(?<=\w{4})x|er)$"),
}
_SHORTEST_STEM = 3


@dataclass(frozen=True, slots=True)
class Form:
    """Stems that mean an evidence: in this order when `strict`, else close together in any order."""

    code: str
    stems: tuple[str, ...]
    present: bool | None
    """What it says of the evidence when nothing denies it; None for a question, which its answer decides, if any."""
    denied: bool = False
    """It holds a negation itself."""
    strict: bool = True


@dataclass(frozen=True)
class Lexicon:
    """Forms of a base in one language, by the stem that they are looked up by, and the language's small words."""

    language: str
    small: frozenset[str]
    """Folded; the words of the other lists keep their accents."""
    denying: frozenset[str]
    ending: frozenset[str]
    """Words after which a negation no longer holds."""
    supposing: frozenset[str]
    """Words of a sentence that tells what might be, not what is."""
    strict: dict[str, list[Form]] = field(default_factory=dict)
    loose: dict[str, list[Form]] = field(default_factory=dict)
    of_code: dict[str, frozenset[str]] = field(default_factory=dict)

    def stems_of(self, code: str) -> frozenset[str]:
        """Return the stems of all that an evidence is called by, but for its question."""
        return self.of_code.get(code, frozenset())

    def content(self, text: str) -> tuple[str, ...]:
        """Return the stems of a text without small words; of one that has nothing else, all of them."""
        words = [fold(word) for word in _WORD.findall(text)]
        kept = [word for word in words if not self.is_small(word)]
        return tuple(stem(word, self.language) for word in kept or words)

    def is_small(self, folded: str) -> bool:
        """Say whether a folded word carries no content."""
        return folded in self.small or folded in self.denying

    def is_denied(self, text: str) -> bool:
        """Say whether a clause holds a negation."""
        return any(word.casefold() in self.denying for word in _WORD.findall(text))


@lru_cache(maxsize=1 << 16)
def fold(word: str) -> str:
    """Return a word as it is compared: lower case, without accents, ligatures apart."""
    plain = word.casefold().replace("œ", "oe").replace("æ", "ae")
    return plain if plain.isascii() else "".join(c for c in normalize("NFD", plain) if not combining(c))


@lru_cache(maxsize=1 << 16)
def stem(folded: str, language: str) -> str:
    """Return a folded word without a common ending; numbers as they are."""
    if folded[:1].isdigit():
        return folded
    short = _ENDINGS[language].sub("", folded)
    return short if len(short) >= _SHORTEST_STEM else folded


_made: dict[tuple[str, str, str], Lexicon] = {}


def lexicon_of(knowledge: Knowledge, language: str) -> Lexicon:
    """Return the lexicon of a base in a language, made once."""
    key = (knowledge.name, knowledge.sha256, language)
    if key not in _made:
        _made[key] = _lexicon(knowledge, language)
    return _made[key]


def _lexicon(knowledge: Knowledge, language: str) -> Lexicon:
    words = {name: frozenset(given.split()) for name, given in _words()[language].items()}
    small = frozenset(map(fold, words["small"]))
    lexicon = Lexicon(language, small, words["denying"], words["ending"], words["supposing"])
    for evidence in knowledge.evidences.values():
        forms = list(_forms(evidence, lexicon))
        lexicon.of_code[evidence.code] = frozenset(
            stem for form in forms if form.present is not None for stem in form.stems
        )
        for form in forms:
            _add(lexicon, form)
    _add_values(lexicon, knowledge)
    _add_diseases(lexicon, knowledge)
    for condition in knowledge.conditions.values():
        if name := condition.name.get(language):
            _add(lexicon, Form(DISEASE + condition.code, lexicon.content(name), True))
        for test in condition.next_tests:
            _add(lexicon, Form(TEST + test.level, lexicon.content(test.name.get(language, "?")), True))
    for setting in knowledge.settings.values():
        _add(lexicon, Form(PLACE + setting.code, lexicon.content(setting.name.get(language, "?")), True))
    _add_resources(lexicon)
    return lexicon


def _add_values(lexicon: Lexicon, knowledge: Knowledge) -> None:
    """Add the words of values; those of several words, no number, and one evidence only tell that it is there."""
    owners: dict[tuple[str, ...], set[str]] = {}
    for evidence in knowledge.evidences.values():
        for words in evidence.values.values():
            owners.setdefault(lexicon.content(words.get(lexicon.language, "?")), set()).add(evidence.code)
    for stems, codes in owners.items():
        is_telling = len(codes) == 1 and len(stems) > 1 and not any(stem[0].isdigit() for stem in stems)
        _add(lexicon, Form(VALUE + (min(codes) if is_telling else ""), stems, True))


def _add_resources(lexicon: Lexicon) -> None:
    """Add the tests that no base names; what the base itself places stands."""
    placed = {form.stems for forms in lexicon.strict.values() for form in forms if form.code.startswith(TEST)}
    for level, names in YAML(typ="safe").load(RESOURCES.read_text(encoding="utf-8")).items():
        for name in names[lexicon.language]:
            stems = lexicon.content(name)
            if stems not in placed:
                _add(lexicon, Form(TEST + level, stems, True))


def _add_diseases(lexicon: Lexicon, knowledge: Knowledge) -> None:
    """Add diseases beside those of the base, and the words of its own names that nothing else is called by.

    Whether a case ranks what is meant (dengue, of which severe dengue is one) is for the reader to say.
    """
    language = lexicon.language
    spoken = [set(lexicon.content(" ".join(evidence.spoken(language)))) for evidence in knowledge.evidences.values()]
    found = set[str]().union(*spoken)
    names = YAML(typ="safe").load(DISEASES.read_text(encoding="utf-8"))
    common = {stem(fold(word), language) for word in names[f"{language}-common"]}
    for name in names[language]:
        stems = lexicon.content(name)
        if not any(own.issuperset(stems) for own in spoken):
            _add(lexicon, Form(DISEASE + OTHER, stems, True))
    for condition in knowledge.conditions.values():
        for one in lexicon.content(condition.name.get(language, "")):
            if one not in found | common and len(one) > _SHORTEST_STEM:
                _add(lexicon, Form(DISEASE + OTHER, (one,), True))


@lru_cache(maxsize=2)
def synonyms(language: str) -> dict[str, str]:
    """Return other names of diseases, by a word of the name that a base may give them."""
    names: dict[str, str] = YAML(typ="safe").load(DISEASES.read_text(encoding="utf-8"))[f"{language}-synonyms"]
    return names


def _add(lexicon: Lexicon, form: Form) -> None:
    anchor = form.stems[0] if form.strict else max(form.stems, key=len)
    known = (lexicon.strict if form.strict else lexicon.loose).setdefault(anchor, [])
    if form not in known:
        known.append(form)


def _forms(evidence: Evidence, lexicon: Lexicon) -> Iterable[Form]:
    language, code = lexicon.language, evidence.code
    said = evidence.first_person
    pairs = [
        (evidence.topic.get(language), True),
        (evidence.present.get(language), True),
        (evidence.absent.get(language), False),
        (said.get("present", {}).get(language), True),
        (said.get("absent", {}).get(language), False),
        (evidence.question.get(language), None),
    ]
    for text, present in pairs:
        if text:
            yield Form(code, lexicon.content(text), present, lexicon.is_denied(text))
    for text in (evidence.topic.get(language), evidence.present.get(language), *evidence.terms.get(language, ())):
        if text:
            yield Form(code, lexicon.content(text), True, lexicon.is_denied(text), strict=False)
    for text in (evidence.absent.get(language), *evidence.terms.get(f"{language}-absent", ())):
        if text:
            yield Form(code, lexicon.content(text), False, lexicon.is_denied(text), strict=False)


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = YAML(typ="safe").load(WORDS.read_text(encoding="utf-8"))
    return loaded
