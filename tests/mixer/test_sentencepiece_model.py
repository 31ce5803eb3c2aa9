"""A SentencePiece model gives the ids of the library itself; Gemma's real ids are asked where its file is there."""

import io
import os
import random
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from tokenizers import Tokenizer

from mixer.sentencepiece_model import read_sentencepiece, tokenizer_json
from mixer.target import find_target, load_tokenizer, load_tokenizer_bytes
from pipelines.engine.errors import InputError

CORPUS = [
    "Give 0.5 mg per kg if SpO2 is below 90 percent and RR above 30, then repeat after 15 min",
    "the child has a fever and no neck stiffness; the mother was not told of the dose",
    "l'enfant a de la fièvre depuis 3 jours et n'a pas de raideur de la nuque",
    "<table> of doses for the child: 5 mg, 50 mg, ½ tablet, not 500 mg",
]
HARD = [
    "",
    "  two  spaces ",
    " lead",
    "a\n\nb",
    "\t tab\t",
    "x\u2581y",
    "ﬁ ½ Å µg 10³",
    "<table>",
    "a<table>b \n\n c    d",
]
GEMMA = {
    "byte_fallback": True, "normalization_rule_name": "identity", "add_dummy_prefix": False,
    "remove_extra_whitespaces": False, "split_digits": True,
    "user_defined_symbols": ["\n", "\n\n", "\u2581\u2581", "\u2581\u2581\u2581", "<table>", "<start_of_turn>"],
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "gemma": {"model_type": "bpe", "vocab_size": 520, **GEMMA},
    "llama": {"model_type": "bpe", "vocab_size": 500, "byte_fallback": True, "normalization_rule_name": "identity"},
    "bpe, folding letters": {"model_type": "bpe", "vocab_size": 200},
    "unigram": {"model_type": "unigram", "vocab_size": 150},
}


def trained(options: dict[str, Any]) -> bytes:
    """Return a model of the library's own trainer."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS * 3), model_writer=out, hard_vocab_limit=False, minloglevel=2, num_threads=1,
        **options,
    )  # fmt: skip
    return out.getvalue()


def hard_texts() -> list[str]:
    dice = random.Random(3)
    made = ["".join(dice.choices(" ab5\n<é五\u0301µ%the", k=dice.randint(1, 30))) for _ in range(400)]
    return [*CORPUS, *HARD, *made]


@pytest.mark.parametrize("kind", KINDS)
def test_the_ids_are_those_of_the_library(kind: str) -> None:
    data = trained(KINDS[kind])
    tokenizer = Tokenizer.from_str(tokenizer_json(read_sentencepiece(data)).decode())
    library = sentencepiece.SentencePieceProcessor(model_proto=data)
    for text in hard_texts():
        assert tokenizer.encode(text, add_special_tokens=False).ids == library.encode(text), text


def test_marks_that_a_text_spells_stay_text_and_tags_stay_tokens() -> None:
    data = trained(KINDS["gemma"])
    tokenizer = load_tokenizer_bytes(tokenizer_json(read_sentencepiece(data)), ("<table>",))
    tokens = [
        tokenizer.encode(text, add_special_tokens=False).tokens for text in ("<start_of_turn>", "<table>", "</s>")
    ]
    assert tokens[1] == ["<table>"]
    assert len(tokens[0]) > 1
    assert len(tokens[2]) > 1


@pytest.mark.parametrize("data", [b"", b"{}", b"\x0a\xff", b"\x12\x02\x18\x04"])
def test_what_is_no_such_model_is_told(data: bytes) -> None:
    with pytest.raises(InputError, match="not a SentencePiece model"):
        read_sentencepiece(data)


def test_a_kind_whose_ids_would_differ_is_refused() -> None:
    with pytest.raises(InputError, match="byte fallback"):
        read_sentencepiece(trained({"model_type": "unigram", "vocab_size": 400, "byte_fallback": True}))
    with pytest.raises(InputError, match="kind 3"):  # whole words, as in the tiny vocabulary of Gemma's test files
        read_sentencepiece(trained({"model_type": "word", "vocab_size": 50}))


def real(path: str) -> Path:
    data = os.environ.get("MEDMIX_DATA")
    if not data:
        pytest.skip("MEDMIX_DATA is not set")
    return Path(data, "tokenizers", path)


@pytest.mark.real
def test_a_real_file_gives_the_ids_of_the_library() -> None:
    data = real("llama-2-sp/tokenizer.model").read_bytes()
    tokenizer = Tokenizer.from_str(tokenizer_json(read_sentencepiece(data)).decode())
    library = sentencepiece.SentencePieceProcessor(model_proto=data)
    for text in hard_texts():
        assert tokenizer.encode(text, add_special_tokens=False).ids == library.encode(text), text


@pytest.mark.real
@pytest.mark.parametrize("name", ["small", "mixed", "utf8"])
def test_gemmas_real_ids_where_its_file_is_there(name: str) -> None:
    target = find_target("gemma-2")
    if not target.tokenizer_is_there():
        pytest.skip("no tokenizer file of Gemma-2 on this machine: unverified on the real file")
    gold = real("gemma-2/gold")
    texts = (gold / f"{name}_input.txt").read_text(encoding="utf-8")
    lines = [texts] if name == "utf8" else [line.replace("\\n", "\n") for line in texts.splitlines()]
    wanted = (gold / f"{name}_token_ids.txt").read_text(encoding="utf-8")
    ids = [[int(number) for number in row.split(",") if number.strip()] for row in wanted.splitlines()]
    tokenizer = load_tokenizer(target)
    found = [tokenizer.encode(text, add_special_tokens=False).ids for text in lines]
    if name == "utf8":  # one text, its ids on several lines
        ids = [[number for row in ids for number in row]]
    assert found == ids
