"""Read back which evidences and conditions a text mentions, and whether it says that they are there.

A text is cut into sentences and words; forms of the lexicon are found in them, and of mentions that lie within a
longer one of another code only the longer counts (a whooping cough is no mention of a cough). What is asked, and what a
sentence only supposes, says nothing. It reads what was written from a
base's words and what a teacher writes with them; it does not understand language. Not here: how far a denial
reaches (`denials`), and what must be mentioned.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sources.teacher.denials import JOINING, Denials
from sources.teacher.lexicon import DISEASE, PLACE, TEST, VALUE, Form, Lexicon, stem
from sources.teacher.tokens import tokens_of

_SLACK = 3
"""Words of content that may stand between those of a loose form, in all."""
_BRIEF = 2
_NO, _ANSWER = frozenset({"no", "non"}), frozenset({"answer", "reponse"})
_LOSSES = frozenset({"perdu", "pert", "appetit", "arret", "descent", "descend"})
"""Stems of findings that are a loss, so that "no longer" tells of them."""
Hit = tuple[Form, tuple[int, ...]]
"""A form and the places of its words among those of content."""


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
        self._places: dict[str, list[int]] = {}
        for place, word in enumerate(self._stems):
            self._places.setdefault(word, []).append(place)
        hits = list(self._longest())
        self._spans = [(first - 2 * self._begins_with_denial(form, first), last) for form, first, last in hits]
        self._asked = {t.sentence for t in self.tokens if t.word == "?"}
        self._denials = Denials(lexicon, text, self.tokens, self._spans)
        self._supposed = {t.sentence for n, t in enumerate(self.tokens) if self._denials.is_one(n, lexicon.supposing)}
        mentions = [mention for hit in hits for mention in self._mentions(*hit)]
        self.mentions = sorted(mentions, key=lambda mention: (mention.start, mention.code))

    def denies(self, at: int) -> bool:
        """Say whether a denial holds for the word at a place among the tokens."""
        return self._denials.denies(at, at)

    def sentence(self, number: int) -> tuple[int, int]:
        """Return [start, end) of a sentence in code points."""
        own = [token for token in self.tokens if token.sentence == number]
        return own[0].start, own[-1].end

    def _longest(self) -> Iterator[tuple[Form, int, int]]:
        """Yield the forms that are found and lie in no longer one, with their first and last token."""
        for form, places in _without_straddling(list(self._in_no_longer())):
            yield form, self._content[places[0]], self._content[places[-1]]

    def _begins_with_denial(self, form: Form, first: int) -> bool:
        """Say whether the denial before a mention is its own: "sans forces" denies nothing that comes after."""
        return form.denied and first > 0 and self.tokens[first - 1].plain in self.lexicon.denying

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
        if said is not None and form.present is not None and self._denials.may_deny(first, last):
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
        if any(wanted not in self._places for wanted in form.stems):
            return ()
        reach = len(form.stems) + min(_SLACK, len(form.stems) - 1)
        places = set()
        for wanted in form.stems:
            near = [n for n in self._places[wanted] if abs(n - at) <= reach and n not in places]
            if not near:
                return ()
            places.add(min(near, key=lambda n: abs(n - at)))
        ordered = tuple(sorted(places))
        near_enough = ordered[-1] - ordered[0] < reach and self._is_one_sentence(ordered)
        return ordered if near_enough and not self._is_list(ordered) else ()

    def _is_list(self, places: tuple[int, ...]) -> bool:
        """Say whether a comma or "and" stands between the words, so that they may belong to two things."""
        first, last = self._content[places[0]], self._content[places[-1]]
        return any(token.word in JOINING for token in self.tokens[first:last])

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
        denied = self._denials.denies(first, last, form.stems)
        if denied and _LOSSES.intersection(form.stems) and self._denials.is_no_longer(first, last):
            return True  # ne descend plus: its descent has stopped
        if form.present is None:
            answered = self._answered(last)
            return denied == form.denied if answered is None else answered
        return form.present if denied == form.denied else not form.present

    def _answered(self, last: int) -> bool | None:
        """Return what "the answer is" after a question told as a statement: no, or anything else; else None."""
        own = [token.word for token in self.tokens[last + 1 :] if token.sentence == self.tokens[last].sentence]
        return not _NO.intersection(own) if _ANSWER.intersection(own) else None


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
