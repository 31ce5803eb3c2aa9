"""How far a denial reaches in a text: which words it says are not there.

A denial holds from its word to the end of the sentence, unless "but" or a new verb after a comma or "and" ends it
(NegEx: Chapman et al., J Biomed Inform 2001). It may also follow ("fever: no", "cough and fever are absent"), or head a
list ("Negatives: fever, cough", or one a line). Not here: what is mentioned (`mentions`).
"""

import re
from collections.abc import Sequence
from itertools import pairwise, zip_longest

from sources.teacher.lexicon import Lexicon, fold
from sources.teacher.tokens import Token

_VERBS = {
    "en": frozenset(
        {"has", "have", "had", "is", "are", "was", "were", "does", "feels", "reports", "presents", "lives"}
    ),
    "fr": frozenset({"a", "est", "présente", "signale", "décrit", "se", "s", "souffre", "ressent", "vit", "boit"}),
}
_OWNERS = frozenset({"his", "her", "my", "their", "the", "son", "sa", "ses", "mon", "ma", "mes", "les", "la", "le"})
_POSITIVE = frozenset({"un", "une", "des", "du"})
_MISS = frozenset({"miss", "forget", "manquer", "oublier"})
_PRONOUNS = frozenset({"he", "she", "it", "they", "i", "who", "il", "elle", "je", "j", "qui"})
_NE, _QUE, _WITHOUT = frozenset({"ne", "n"}), frozenset({"que", "qu"}), frozenset({"without", "sans"})
NON = "non"
_NOTHING = frozenset({NON, "nil", "negative", "negatif", "negatives", "negatifs"})
JOINING = frozenset({",", "and", "et"})
_CLOSING = frozenset({"or", "nor", "and", "ou", "ni", "et"})
"""Words that close a list, so that what begins it ("no") holds for all of it."""
_OF = frozenset({"de", "d"})
"""After a comma, they take up the denial before it: pas de toux, de fièvre."""
_PAIRS = frozenset(
    {("free", "of"), ("negative", "for"), ("indemne", "de"), ("exempt", "de"), ("exempte", "de"), ("depourvu", "de")}
)
_AFTER = {
    "en": frozenset({"absent", "denied", "lacking", "missing"}),
    "fr": frozenset({"absent", "absente", "absents", "absentes", "niee", "nie", "niees", "manque", "manquent"}),
}
_REACH = 4
"""Words after a mention within which it can still be denied."""
_COPULAS = frozenset({"is", "are", "was", "were", "est", "sont", "etait", "etaient"})
_LABEL = re.compile(
    r"(?:^[\W_]*|[.!?;] )(?:(?:pertinent|relevant) )?(?:"
    r"negatives?|absent|denie[sd]|not (?:found|present|seen|reported)|none of (?:these|the following)"
    r"|(?:signes? )?(?:negatifs?|absente?s?)|(?:recherche\w* et )?non (?:retrouve|signale|constate|observe)\w*|nie"
    r")[ \t]*(?::|$)(?P<items>[^\n.;!?]*)",
    re.MULTILINE,
)
_ITEM = re.compile(r"\n[ \t]*[-*•+–·][^\n]*|\n(?=[^\n])[^\n:]{1,60}(?=\n|\Z)")


class Denials:
    """The denials of a text in one language. `spans` are the first and last tokens of all that it mentions."""

    def __init__(self, lexicon: Lexicon, text: str, tokens: Sequence[Token], spans: Sequence[tuple[int, int]]) -> None:
        self.lexicon, self.text, self.tokens, self.spans = lexicon, text, tokens, spans
        self._labelled = _under_labels(text)
        pairs = zip_longest((token.word for token in tokens), (token.word for token in tokens[1:]))
        self._may_deny = [
            token.plain in lexicon.denying or pair in _PAIRS for token, pair in zip(tokens, pairs, strict=True)
        ]
        self._known: dict[tuple[int, int], int] = {}

    def is_one(self, at: int, words: frozenset[str], span: tuple[int, int] = (-1, -1)) -> bool:
        """Say whether a token is one of some words, and no part of a mention that lies apart from `span`."""
        if self.tokens[at].plain not in words:
            return False
        around = [(first, last) for first, last in self.spans if first < at < last]
        return all(first <= span[1] and span[0] <= last for first, last in around)

    def denies(self, first: int, last: int, own: Sequence[str] = ()) -> bool:
        """Say whether a mention is denied; a "non" of its `own` denies nothing (sommeil non réparateur)."""
        before = self._is_labelled(first) or self._denial(first, last) >= 0
        return before or self._follows(last) or (NON not in own and self._is_non(first, last))

    def is_no_longer(self, first: int, last: int) -> bool:
        """Say whether a denial that reaches a mention is "ne ... plus"."""
        at = self._denial(first, last)
        return at >= 0 and any(token.word == "plus" for token in self.tokens[at : at + _REACH + 1])

    def may_deny(self, first: int, last: int) -> bool:
        """Say whether a denial reaches a mention over a comma of a list without "or" or "and": "no fever, cough"."""
        is_plain = self._is_labelled(first) or self._follows(last) or self._is_non(first, last)
        at = -1 if is_plain else self._denial(first, last)
        if at < 0 or all(token.word != "," for token in self.tokens[at:first]) or self.tokens[first - 1].word in _OF:
            return False
        own = (token.word for token in self.tokens[at:] if token.sentence == self.tokens[first].sentence)
        return not _CLOSING.intersection(own)

    def _is_labelled(self, first: int) -> bool:
        return any(start <= self.tokens[first].start < end for start, end in self._labelled)

    def _is_non(self, first: int, last: int) -> bool:
        """Say whether a French "non" stands before a word of a mention: urines non foncées."""
        before = self.tokens[max(0, first - 1) : last]
        return self.lexicon.language == "fr" and any(token.word == NON for token in before)

    def _denial(self, first: int, last: int) -> int:
        """Return the denial that stands within a mention or before it, with nothing between that ends it, else -1."""
        if (first, last) not in self._known:
            self._known[first, last] = self._find_denial(first, last)
        return self._known[first, last]

    def _find_denial(self, first: int, last: int) -> int:
        sentence = self.tokens[first].sentence
        for at in range(last, -1, -1):
            if self.tokens[at].sentence != sentence:
                return -1
            if self._may_deny[at] and self._denies_next(at, (first, last)):
                holds = not self._is_answer(at) and not self._is_urging(at) and not self._has_run_out(at, first)
                return at if holds else -1
            opens = at and "(" in self.text[self.tokens[at - 1].end : self.tokens[at].start]
            if at <= first and (opens or (at < first and self._ends(at, last))):
                return -1
        return -1

    def _denies_next(self, at: int, span: tuple[int, int]) -> bool:
        pair = (self.tokens[at].word, self.tokens[at + 1].word if at + 1 < len(self.tokens) else "")
        return pair in _PAIRS or (self.is_one(at, self.lexicon.denying, span) and not self._is_only(at))

    def _is_only(self, at: int) -> bool:
        """Say whether a French "ne" is one of "ne ... que", which says what is there and nothing else."""
        after = [token.word for token in self.tokens[at + 1 : at + _REACH + 1]]
        return self.tokens[at].word in _NE and bool(_QUE.intersection(after))

    def _has_run_out(self, at: int, first: int) -> bool:
        """Say whether a "without" ends before a mention, at a comma with "and": fatal without care, and pale ..."""
        if self.tokens[at].word not in _WITHOUT:
            return False
        words = [token.word for token in self.tokens[at + 1 : first + 1]]
        return any(one == "," and two in JOINING for one, two in pairwise(words))

    def _ends(self, at: int, last: int) -> bool:
        """Say whether a new clause begins at a token: a verb, "and his eyes are", French "une" for which "de" stood."""
        before, token = at - 1 - (self.tokens[at - 1].word in _PRONOUNS), self.tokens[at]
        if self.is_one(at, self.lexicon.ending):
            return True
        if self.tokens[before].word not in JOINING:
            return False
        verbs = _VERBS[self.lexicon.language]
        new_subject = token.word in _OWNERS and any(one.plain in verbs for one in self.tokens[at:last])
        return self.is_one(at, verbs) or new_subject or (self.tokens[before].word == "," and token.word in _POSITIVE)

    def _is_urging(self, at: int) -> bool:
        """Say whether a denial is one of duty: not to be missed, à ne pas manquer."""
        after = [token.word for token in self.tokens[at + 1 : at + 4]]
        return after[:1] != [] and (after[0] in _MISS or {"be", "missed"} <= set(after))

    def _is_answer(self, at: int) -> bool:
        """Say whether a "no" is one word of its own before a comma, as an answer is: "No, I have a cough"."""
        return self.tokens[at].word == "no" and self.tokens[at + 1].word == ","

    def _follows(self, last: int) -> bool:
        """Say whether a denial follows a mention: absent, or a colon and no; also at the end of its list."""
        after = self.tokens[last + 1 : last + 1 + _REACH]
        stop = next((n for n, token in enumerate(after) if not token.word[0].isalnum()), len(after))
        if any(token.word in _AFTER[self.lexicon.language] for token in after[:stop]):
            return True
        return self._ends_list(last)

    def _ends_list(self, last: int) -> bool:
        """Say whether the list that a mention stands in ends with "are absent", or with a colon and a denial."""
        absent, before = _AFTER[self.lexicon.language], self.tokens[last]
        for token in self.tokens[last + 1 :]:
            if token.sentence != before.sentence or token.plain in self.lexicon.ending:
                return False
            if ":" in self.text[before.end : token.start]:
                return token.word in absent | _NOTHING or self._is_bare_denial(token)
            if token.word in absent and before.word in _COPULAS:
                return True
            if token.plain in _VERBS[self.lexicon.language] - _COPULAS or token.plain in self.lexicon.denying:
                return False
            before = token
        return False

    def _is_bare_denial(self, token: Token) -> bool:
        """Say whether a token denies, and a sentence or a clause ends with it."""
        return token.plain in self.lexicon.denying and bool(re.match(r"\s*(?:[.;,\n]|\Z)", self.text[token.end :]))


def _under_labels(text: str) -> list[tuple[int, int]]:
    """Return the stretches that stand under a heading that denies them: the rest of its line, else the items below."""
    plain = "".join(folded if len(folded := fold(c)) == 1 else c for c in text)
    found = []
    for match in _LABEL.finditer(plain):
        start, end = match.span("items")
        if not match["items"].strip():
            while item := _ITEM.match(plain, end):
                end = item.end()
        found.append((start, end))
    return found
