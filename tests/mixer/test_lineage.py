"""Every token of every sequence leads back to its document, its place there, and its characters."""

import numpy as np
import pyarrow as pa
import pytest

from mixer.assemble import Part, TokenShards, assemble
from mixer.lineage import LINEAGE_SCHEMA, Piece, char_span, lineage_rows, locate
from mixer.pack import Breaks, PackRule, pack
from mixer.target import DEMO, find_target, load_tokenizer_bytes, train_bpe
from mixer.tokenize import tokenize_documents
from sources.document import Document, to_table

TEXTS = [
    f"Dose {n}: give {n}.5 mg if SpO2 <{90 - n}%.\n\n" * (1 + n * n % 23) + "5 µg \U0001f600 数据 e\u0301"
    for n in range(40)
]


def test_every_token_leads_back_to_its_document_and_characters() -> None:
    target = find_target(DEMO)
    tokenizer = load_tokenizer_bytes(train_bpe(iter(TEXTS), 500))
    documents = [
        Document(id=f"id-{n}", kind="guideline", source=f"s{n % 3}", key=str(n), text=text)
        for n, text in enumerate(TEXTS)
    ]
    table = tokenize_documents(to_table(documents), tokenizer, target)
    lengths = np.array([len(ids) for ids in table["ids"].to_pylist()])
    packed = pack(
        lengths,
        PackRule(96, True, True, True),
        Breaks.of(table["section_breaks"]),
        Breaks.of(table["paragraph_breaks"]),
    )
    rows = np.random.default_rng(0).permutation(packed.sequences)
    half = packed.sequences // 2
    epochs = np.arange(packed.sequences, dtype=np.int32) % 4
    picked = np.arange(packed.sequences)
    parts = [Part(packed, rows[:half], picked[:half], 0), Part(packed, rows[half:], picked[half:], 1)]
    block = assemble(parts, TokenShards.of([table]), target)
    lineage = lineage_rows(parts, epochs, table, first_sequence=1000)
    assert lineage.schema == LINEAGE_SCHEMA
    by_sequence: dict[int, list[Piece]] = {}
    for row in lineage.to_pylist():
        by_sequence.setdefault(row["sequence"], []).append(Piece(**row))
    assert list(by_sequence) == list(range(1000, 1000 + packed.sequences))
    traced = dict.fromkeys(TEXTS, 0)
    ids = {document.id: tokenizer.encode(document.text).ids for document in documents}
    for row in range(packed.sequences):
        pieces = by_sequence[1000 + row]
        for token in range(96):
            number = int(block.input_ids[row, token])
            piece = locate(pieces, token)
            if piece is None:
                assert token >= 96 - block.pad_len[row]
                continue
            assert piece.epoch == row % 4
            at = piece.text_token(token)
            if at is None:
                assert number in (target.bos_id, target.eos_id)
                continue
            document = documents[int(piece.document.removeprefix("id-"))]
            assert piece.source == document.source
            assert ids[document.id][at] == number
            traced[document.text] += 1
    assert [traced[text] for text in TEXTS] == lengths.tolist()


def test_characters_of_a_token() -> None:
    tokenizer = load_tokenizer_bytes(train_bpe(iter(TEXTS), 500))
    text = "give 4.5 mg if SpO2 <86%; 5 µg \U0001f9ec."
    covered: set[int] = set()
    for token, number in enumerate(tokenizer.encode(text).ids):
        start, end = char_span(tokenizer, text, token)
        covered |= set(range(start, end))
        spelled = tokenizer.decode([number])
        if "\ufffd" not in spelled:
            assert text[start:end] == spelled
    assert covered == set(range(len(text)))
    with pytest.raises(IndexError):
        char_span(tokenizer, "a", 1)


def test_marks_and_padding_stand_for_no_text() -> None:
    piece = Piece(sequence=3, start=10, length=6, document="d", source="s", offset=100, bos=True, eos=True, epoch=0)
    assert [piece.text_token(token) for token in range(10, 16)] == [None, 100, 101, 102, 103, None]
    assert locate([piece], 16) is None
    assert locate([piece], 9) is None
    assert locate([piece], 15) is piece
    assert piece.text_tokens == 4
    assert pa.Table.from_pylist([], schema=LINEAGE_SCHEMA).num_rows == 0
