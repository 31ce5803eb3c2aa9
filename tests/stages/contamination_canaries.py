"""Plants items of a benchmark in text, in every way in which they are known to leak.

`plant` gives the text for one kind, None where an item cannot be planted so (no numbers to change, no options). The
same kinds serve authored items and, where MEDMIX_DATA is set, real ones; nothing of a real item is ever written.
"""

import random
import re
from collections.abc import Iterable

import pyarrow as pa

from pipelines.stages.contamination_evidence import Judge
from pipelines.stages.contamination_index import from_arrow, ordered, to_arrow
from pipelines.stages.contamination_items import ANSWER, EXPLANATION, OPTION, PASSAGE, STEM, Item
from pipelines.stages.contamination_policy import ContaminationPolicy, counts
from pipelines.stages.contamination_words import word_list
from pipelines.stages.decontaminate_match import MatchRows
from sources.document import Document, to_table

VERBATIM = "verbatim stem"
KINDS = (
    VERBATIM,
    "stem with changed numbers",
    "stem inside an article",
    "question plus answer",
    "options only",
    "answer explanation only",
    "short item",
    "permuted options",
)
LEAST_STEM_WORDS = 3
"""A shorter stem is looked for with its options or its answer, or where it is all there is."""


def part(item: Item, kind: str) -> str:
    return next((one.text for one in item.parts if one.kind == kind), "")


def plant(kind: str, item: Item, draw: random.Random, articles: list[str]) -> str | None:
    stem = "\n\n".join(filter(None, [part(item, PASSAGE), part(item, STEM)]))
    options = [one.text for one in item.parts if one.kind == OPTION]
    before, after = draw.choice(articles), draw.choice(articles)
    words = len(word_list(stem)[0])
    if words < LEAST_STEM_WORDS and kind in (VERBATIM, "stem inside an article"):
        return None
    if kind == VERBATIM:
        return stem
    if kind == "stem with changed numbers":
        changed = re.sub(r"\d+", lambda found: str(int(found[0]) + draw.randint(1, 9)), stem)
        return changed if changed != stem and words > 12 else None
    if kind == "stem inside an article":
        return f"{before}\n\n{stem}\n\n{after}"
    if kind == "question plus answer":
        return f"Question: {stem}\nAnswer: {part(item, ANSWER)}" if part(item, ANSWER) else None
    if kind == "options only":
        listed = "\n".join(f"{letter}. {text}" for letter, text in zip("ABCDEFGHIJ", options, strict=False))
        return draw.choice([f"{before}\n{listed}\n{after}", listed, "\n".join(options)]) if len(options) > 2 else None
    if kind == "answer explanation only":
        return part(item, EXPLANATION) or None
    if kind == "short item":
        return f"{before}\n{stem}\n{after}" if 3 <= words <= 8 else None
    draw.shuffle(options)
    listed = "\n".join(f"{letter}) {text}" for letter, text in zip("ABCDEFGHIJ", options, strict=False))
    return f"{stem}\n{listed}" if len(options) > 2 else None


def judge_of(items: Iterable[Item]) -> Judge:
    return Judge(from_arrow(to_arrow(ordered(list(items)))))


def document(id: str, text: str = "", **fields: object) -> Document:
    return Document(
        **{"id": id, "kind": "article", "source": "s", "key": f"k{id}", "text": text, "tokens": 1, **fields}
    )


def findings(judge: Judge, documents: Iterable[Document]) -> list[list[dict[str, object]]]:
    """The findings of each document, as the stage writes them."""
    table: pa.Table = MatchRows(judge).apply(to_table(documents)).table
    return [found or [] for found in table["findings"].to_pylist()]


def hits(judge: Judge, texts: Iterable[str]) -> list[set[str]]:
    """The keys of the items that count as leaked in each text, under the policy's defaults."""
    found = findings(judge, [document(str(n), text) for n, text in enumerate(texts)])
    return [
        {str(one["item"]) for one in row if counts({**one, "documents": 1}, ContaminationPolicy())} for row in found
    ]
