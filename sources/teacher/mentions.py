"""Read back which evidences and conditions a text mentions, and whether it says that they are there.

A text is cut into sentences and words; forms of the lexicon are found in them, and of mentions that lie within a
longer one of another code only the longer counts (a whooping cough is no mention of a cough). A denial holds from its
word to the end of the sentence, unless "but" or a new verb after a comma or "and" ends it (NegEx: Chapman et al., J
Biomed Inform 2001). What is asked, and what a sentence only supposes, says nothing. It reads what was written from a
base's words and what a teacher writes with them; it does not understand language. Not here: what must be mentioned.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from sources.teacher.lexicon import DISEASE, PLACE, TEST, VALUE, Form, Lexicon, stem
from sources.teacher.tokens import tokens_of

_SLACK = 3
"""Words of content that may stand between those of a loose form, in all."""
_VERBS = {
    "en": frozenset(
        {"has", "have", "had", "is", "are", "was", "were", "does", "feels", "reports", "presents", "lives"}
    ),
    "fr": frozenset({"a", "est", "présente", "signale", "décrit", "se", "s", "souffre", "ressent", "vit", "boit"}),
}
_BRIEF = 2
_OWNERS = frozenset({"his", "her", "my", "their", "the", "son", "sa", "ses", "mon", "ma", "mes", "les", "la", "le"})
_POSITIVE = frozenset({"un", "une", "des", "du"})
_MISS = frozenset({"miss", "forget", "manquer", "oublier"})
_PRONOUNS = frozenset({"he", "she", "it", "they", "i", "who", "il", "elle", "je", "j", "qui"})
_NO, _ANSWER = frozenset({"no", "non"}), frozenset({"answer", "reponse"})
_NE, _QUE, _WITHOUT = frozenset({"ne", "n"}), frozenset({"que", "qu"}), frozenset({"without", "sans"})
_NON = "non"
_JOINING = frozenset({",", "and", "et"})
_CLOSING = frozenset({"or", "nor", "and", "ou", "ni", "et"})
"""Words that close a list, so that what begins it ("no") holds for all of it."""
_AFTER = {
    "en": frozenset({"absent", "denied", "lacking", "missing"}),
    "fr": frozenset({"absent", "absente", "absents", "absentes", "niee", "nie", "niees", "manque", "manquent"}),
}
Hit = tuple[Form, tuple[int, ...]]
"""A form and the places of its words among those of content."""
_REACH = 4
"""Words after a mention within which it can still be denied."""


@dataclass(frozen=True, slots=True)
class Mention:
    """An evidence (or `condition:CODE`) in [start, end) of a text. `present` is None when nothing is said of it."""

    code: str
    present: bool | None
    start: int
    end: int
    sentence: int
    supposed: bool = False

    @property
    def value_of(self) -> str:
        """Return the evidence of which it is a value by its words alone, empty for all else."""
        return self.code.removeprefix(VALUE) if self.code.startswith(VALUE) else ""

    @property
    def is_evidence(self) -> bool:
        """Say whether it is an evidence, and no condition, test, value or place."""
        return not self.code.startswith((DISEASE, TEST, VALUE, PLACE))


class Reading:
    """One text in words and sentences, with what is mentioned in it, by place."""

    def __init__(self, lexicon: Lexicon, text: str) -> None:
        self.lexicon, self.text = lexicon, text
        self.tokens = list(tokens_of(text))
        self._content = [n for n, t in enumerate(self.tokens) if t.word[0].isalnum() and not lexicon.is_small(t.word)]
        self._stems = [stem(self.tokens[n].word, lexicon.language) for n in self._content]
        hits = list(self._longest())
        self._spans = [(first, last) for _, first, last in hits]
        self._asked = {t.sentence for t in self.tokens if t.word == "?"}
        self._supposed = {t.sentence for n, t in enumerate(self.tokens) if self._is_one(n, lexicon.supposing)}
        mentions = [mention for hit in hits for mention in self._mentions(*hit)]
        self.mentions = sorted(mentions, key=lambda mention: (mention.start, mention.code))

    def sentence(self, number: int) -> tuple[int, int]:
        """Return [start, end) of a sentence in code points."""
        own = [token for token in self.tokens if token.sentence == number]
        return own[0].start, own[-1].end

    def _is_one(self, at: int, words: frozenset[str], span: tuple[int, int] = (-1, -1)) -> bool:
        """Say whether a token is one of some words, and no part of a mention that lies apart from `span`."""
        if self.tokens[at].plain not in words:
            return False
        around = [(first, last) for first, last in self._spans if first < at < last]
        return all(first <= span[1] and span[0] <= last for first, last in around)

    def _longest(self) -> Iterator[tuple[Form, int, int]]:
        """Yield the forms that are found and lie in no longer one, with their first and last token."""
        for form, places in _without_straddling(list(self._in_no_longer())):
            yield form, self._content[places[0]], self._content[places[-1]]

    def _in_no_longer(self) -> Iterator[Hit]:
        """Yield the hits that have a word which no longer hit has."""
        found = sorted(_without_doubles(self._found()), key=lambda hit: (-len(hit[1]), not _is_thing(hit[0])))
        longest: dict[int, int] = {}
        seen: set[tuple[str, tuple[int, ...]]] = set()
        for form, places in found:
            if (form.code, places) in seen or all(longest.get(place, 0) > len(places) for place in places):
                continue
            seen.add((form.code, places))
            for place in places:
                longest.setdefault(place, len(places) + _is_thing(form))
            yield form, places

    def _mentions(self, form: Form, first: int, last: int) -> Iterator[Mention]:
        """Yield what a hit mentions: once, and the other way too where it can be read both ways."""
        start, end, sentence = self.tokens[first].start, self.tokens[last].end, self.tokens[first].sentence
        supposed = sentence in self._supposed or sentence in self._asked
        said = self._said(form, first, last)
        yield Mention(form.code, said, start, end, sentence, supposed)
        if said is not None and form.present is not None and self._may_be_denied(first, last):
            yield Mention(form.code, not said, start, end, sentence, supposed)

    def _found(self) -> Iterator[Hit]:
        """Yield every form that is found, with the places of its words among those of content."""
        for at, word in enumerate(self._stems):
            for form in self.lexicon.strict.get(word, ()):
                places = tuple(range(at, at + len(form.stems)))
                if tuple(self._stems[at : at + len(form.stems)]) == form.stems and self._are_joined(places):
                    yield form, places
            for form in self.lexicon.loose.get(word, ()):
                if places := self._near(form, at):
                    yield form, places

    def _near(self, form: Form, at: int) -> tuple[int, ...]:
        """Return the places of a loose form's words around its longest one, none when one is not near."""
        reach = len(form.stems) + min(_SLACK, len(form.stems) - 1)
        low, high = max(0, at - reach), min(len(self._stems), at + reach + 1)
        places = set()
        for wanted in form.stems:
            near = [n for n in range(low, high) if self._stems[n] == wanted and n not in places]
            if not near:
                return ()
            places.add(min(near, key=lambda n: abs(n - at)))
        ordered = tuple(sorted(places))
        near_enough = ordered[-1] - ordered[0] < reach and self._is_one_sentence(ordered)
        return ordered if near_enough and not self._is_list(ordered) else ()

    def _is_list(self, places: tuple[int, ...]) -> bool:
        """Say whether a comma or "and" stands between the words, so that they may belong to two things."""
        first, last = self._content[places[0]], self._content[places[-1]]
        return any(token.word in _JOINING for token in self.tokens[first:last])

    def _are_joined(self, places: tuple[int, ...]) -> bool:
        """Say whether words stand in one sentence, and two without a comma (s'alimente mal, a le ventre)."""
        first, last = self._content[places[0]], self._content[places[-1]]
        parted = len(places) == _BRIEF and any(token.word == "," for token in self.tokens[first:last])
        return self._is_one_sentence(places) and not parted

    def _is_one_sentence(self, places: tuple[int, ...]) -> bool:
        first, last = (self.tokens[self._content[place]].sentence for place in (places[0], places[-1]))
        return first == last

    def _said(self, form: Form, first: int, last: int) -> bool | None:
        """Return whether the text says that the evidence is there, None when it asks."""
        if self.tokens[first].sentence in self._asked:
            return None
        denied = self._is_denied(first, last) or self._is_denied_after(last)
        denied = denied or (_NON not in form.stems and self._is_non(first, last))
        if form.present is None:
            answered = self._answered(last)
            return denied == form.denied if answered is None else answered
        return form.present if denied == form.denied else not form.present

    def _answered(self, last: int) -> bool | None:
        """Return what "the answer is" after a question told as a statement: no, or anything else; else None."""
        own = [token.word for token in self.tokens[last + 1 :] if token.sentence == self.tokens[last].sentence]
        return not _NO.intersection(own) if _ANSWER.intersection(own) else None

    def denies(self, at: int) -> bool:
        """Say whether a denial holds for the word at a place among the tokens."""
        return self._is_denied(at, at) or self._is_denied_after(at) or self._is_non(at, at)

    def _is_non(self, first: int, last: int) -> bool:
        """Say whether a French "non" stands before a word of a mention: urines non foncées."""
        before = self.tokens[max(0, first - 1) : last]
        return self.lexicon.language == "fr" and any(token.word == _NON for token in before)

    def _is_denied(self, first: int, last: int) -> bool:
        """Say whether a denial holds for a mention."""
        return self._denial(first, last) >= 0

    def _may_be_denied(self, first: int, last: int) -> bool:
        """Say whether a denial reaches a mention over a comma of a list without "or" or "and": "no fever, cough"."""
        at = self._denial(first, last)
        if at < 0 or all(token.word != "," for token in self.tokens[at:first]):
            return False
        own = (token.word for token in self.tokens[at:] if token.sentence == self.tokens[first].sentence)
        return not _CLOSING.intersection(own)

    def _denial(self, first: int, last: int) -> int:
        """Return the denial that stands within a mention or before it, with nothing between that ends it, else -1."""
        sentence = self.tokens[first].sentence
        for at in range(last, -1, -1):
            if self.tokens[at].sentence != sentence:
                return -1
            if self._is_one(at, self.lexicon.denying, (first, last)) and not self._is_only(at):
                holds = not self._is_answer(at) and not self._is_urging(at) and not self._has_run_out(at, first)
                return at if holds else -1
            if at < first and self._ends_denial(at, last):
                return -1
        return -1

    def _is_only(self, at: int) -> bool:
        """Say whether a French "ne" is one of "ne ... que", which says what is there and nothing else."""
        after = [token.word for token in self.tokens[at + 1 : at + _REACH + 1]]
        return self.tokens[at].word in _NE and bool(_QUE.intersection(after))

    def _has_run_out(self, at: int, first: int) -> bool:
        """Say whether a "without" ends before a mention, at a comma with "and": fatal without care, and pale ..."""
        if self.tokens[at].word not in _WITHOUT:
            return False
        words = [token.word for token in self.tokens[at + 1 : first + 1]]
        return any(one == "," and two in _JOINING for one, two in pairwise(words))

    def _ends_denial(self, at: int, last: int) -> bool:
        """Say whether a new clause begins at a token: a verb, "and his eyes are", French "une" for which "de" stood."""
        before, token = at - 1 - (self.tokens[at - 1].word in _PRONOUNS), self.tokens[at]
        if self._is_one(at, self.lexicon.ending):
            return True
        if self.tokens[before].word not in _JOINING:
            return False
        verbs = _VERBS[self.lexicon.language]
        new_subject = token.word in _OWNERS and any(one.plain in verbs for one in self.tokens[at:last])
        return self._is_one(at, verbs) or new_subject or (self.tokens[before].word == "," and token.word in _POSITIVE)

    def _is_urging(self, at: int) -> bool:
        """Say whether a denial is one of duty: not to be missed, à ne pas manquer."""
        after = [token.word for token in self.tokens[at + 1 : at + 4]]
        return after[:1] != [] and (after[0] in _MISS or {"be", "missed"} <= set(after))

    def _is_answer(self, at: int) -> bool:
        """Say whether a "no" is one word of its own before a comma, as an answer is: "No, I have a cough"."""
        return self.tokens[at].word == "no" and self.tokens[at + 1].word == ","

    def _is_denied_after(self, last: int) -> bool:
        after = self.tokens[last + 1 : last + 1 + _REACH]
        stop = next((n for n, token in enumerate(after) if not token.word[0].isalnum()), len(after))
        return any(token.word in _AFTER[self.lexicon.language] for token in after[:stop])


def _is_thing(form: Form) -> bool:
    """Say whether a form names a place or, in many words, a test: nothing in it tells of a patient."""
    return form.code.startswith(PLACE) or (form.code.startswith(TEST) and len(form.stems) > _BRIEF)


def _without_doubles(found: Iterable[Hit]) -> list[Hit]:
    """Leave out loose hits that share a word with a strict hit of the same code."""
    hits = list(found)
    strict = {(form.code, place) for form, places in hits if form.strict for place in places}
    return [
        (form, places)
        for form, places in hits
        if form.strict or not any((form.code, place) in strict for place in places)
    ]


def _without_straddling(hits: list[Hit]) -> list[Hit]:
    """Leave out loose hits over the border of another clause and the value right after it.

    "A lasting swelling of" and "both feet" are one thing told with its value, and no swollen feet.
    """
    values = {places[0]: places for form, places in hits if form.code.startswith(VALUE)}
    valued = [
        (form.code, set(places), set(values[places[-1] + 1]))
        for form, places in hits
        if form.strict and form.present is not None and places[-1] + 1 in values
    ]

    def straddles(code: str, places: set[int]) -> bool:
        return any(code != c and own & places and value & places and places <= own | value for c, own, value in valued)

    return [hit for hit in hits if hit[0].strict or not straddles(hit[0].code, set(hit[1]))]
