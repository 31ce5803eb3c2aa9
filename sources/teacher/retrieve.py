"""Find the passages that bear on a question: BM25 (Robertson and Zaragoza 2009, Lucene's form) over a run's documents.

The index is built once a process and asked many times. The order of passages is that of their documents' ids, so it
does not depend on shards; scores are rounded before they are compared and ties go to the earlier passage, so the same
corpus gives the same evidence everywhere. A passage without a word of the question is none. Words are compared as
they are written, without case; no stemmer and no stop list, which would know only some of our languages (BM25 weighs
frequent words down by itself). Not here: what becomes of a question without evidence.
"""

import re
from collections.abc import Sequence

import numpy as np

from sources.teacher.passages import Passage

_WORD = re.compile(r"[^\W_]+")
_DIGITS = 4


class Index:
    """Passages, and how much each word tells about each of them."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        import bm25s  # a tenth of a second that only a generation needs

        written = [(one, words(f"{one.title} {one.path} {one.text}")) for one in passages]
        indexed = sorted((pair for pair in written if pair[1]), key=lambda pair: (pair[0].document, pair[0].start))
        self.passages = [one for one, _ in indexed]
        self._scorer = None
        if indexed:
            self._scorer = bm25s.BM25(method="lucene", k1=1.5, b=0.75, backend="numpy", csc_backend="numpy")
            self._scorer.index([known for _, known in indexed], show_progress=False)

    def find(self, query: str, count: int) -> list[Passage]:
        """Return at most `count` passages that share a word with the query, the best first."""
        asked = list(dict.fromkeys(words(query)))
        if self._scorer is None or not asked:
            return []
        scores = np.round(self._scorer.get_scores(asked).astype(np.float64), _DIGITS)
        best = np.argsort(-scores, kind="stable")[:count]
        return [self.passages[place] for place in best if scores[place] > 0]


def words(text: str) -> list[str]:
    """Return the words of a text as they are compared."""
    return _WORD.findall(text.casefold())
