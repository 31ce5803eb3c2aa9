"""Places to cut are those that the plain definition gives, for texts of any characters and sections in any order."""

import random
import re
from bisect import bisect_left

import pyarrow as pa
import pytest

from mixer.breaks import LEAST_CHARS, find_breaks
from mixer.encode import by_tokenizers
from mixer.target import load_tokenizer_bytes, train_bpe
from sources.document import SECTION_TYPE

PIECES = ("\n", "\n\n", "\n\n\n", " ", "a", "dose ", "5 µg", "é", "e\u0301", "五", "\U0001f600", "\r\n\r\n", "RR >30; ")


def texts_and_sections(seed: int) -> tuple[list[str], list[list[int] | None]]:
    dice = random.Random(seed)
    texts = ["".join(dice.choices(PIECES, k=dice.choice([0, 40, 250, 700]))) for _ in range(30)]
    texts += ["a" * (LEAST_CHARS - 3) + end for end in ("\n\nb", "\n\n五五", "\n\n")]
    texts += ["五" * (LEAST_CHARS - n) + "\n\n五" for n in (2, 3, 4)]
    starts = [[dice.randint(0, len(text) + 3) for _ in range(dice.randint(0, 9))] for text in texts]
    return texts, [None if number % 5 == 0 else found for number, found in enumerate(starts)]


def plainly(text: str, sections: list[int], begins: list[int]) -> tuple[list[int], list[int]]:
    """Say the places of one text by the definition; `begins` are the characters at which tokens begin."""
    if len(text) < LEAST_CHARS:
        return [], []
    after = [match.end() for match in re.finditer(r"\n\n+", text)]
    found = [sorted({bisect_left(begins, char) for char in chars} - {0, len(begins)}) for chars in (sections, after)]
    return found[0], found[1]


@pytest.mark.parametrize("seed", range(6))
def test_places_are_those_of_the_definition(seed: int) -> None:
    texts, sections = texts_and_sections(seed)
    tokenizer = load_tokenizer_bytes(train_bpe(iter(texts), 330))
    structs = [found and [{"path": "", "start": at, "end": at} for at in found] for found in sections]
    column = pa.array(["before", *texts], pa.string()).slice(1)
    found = find_breaks(column, pa.array(structs, pa.list_(SECTION_TYPE)), by_tokenizers(tokenizer)(texts))
    offsets = [tokenizer.encode(text).offsets for text in texts]
    expected = [
        plainly(text, chars or [], [begin for begin, _ in spans])
        for text, chars, spans in zip(texts, sections, offsets, strict=True)
    ]
    assert found[0].to_pylist() == [one for one, _ in expected]
    assert found[1].to_pylist() == [one for _, one in expected]
    assert sum(map(len, found[0].to_pylist())) > 20
    assert sum(map(len, found[1].to_pylist())) > 100
