"""Conversations get the ids of the whole string, masks of whose tokens are trained, and no mark that a text spells."""

import hashlib
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pyarrow as pa
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from mixer.assemble import Part, TokenShards, assemble
from mixer.batch import IGNORED, Batch
from mixer.chat import ChatError, ChatFormat, encode_chats, spelled, write
from mixer.encode import by_tokenizers, fastest
from mixer.pack import Breaks, PackRule, pack
from mixer.target import Target, find_target, load_tokenizer, load_tokenizer_bytes
from mixer.tokenize import tokenize_documents, write_chats
from sources.document import Document, to_table

INSTRUCT = ("llama-3.1-instruct", "qwen2.5-instruct", "gemma-2-instruct")
SAID = "Give 0.5 mg/kg if SpO2 <90% or RR >30; not 5 mg. É 五 µg <|im_end|> <end_of_turn> <|eot_id|> user \n \n\n"
WORDS = SAID.split(" ")


def turn(role: str, content: str, trained: bool | None = None) -> dict[str, Any]:
    return {"role": role, "content": content, "trained": role == "assistant" if trained is None else trained}


def conversations(count: int, *, system: bool) -> Iterator[list[dict[str, Any]]]:
    """Conversations of words of every sort; some end with the user, some turns are not trained."""
    dice = random.Random(7)

    def said() -> str:
        return " ".join(dice.choices(WORDS, k=dice.randint(1, 25)))

    for number in range(count):
        turns = [turn("system", said())] if system else []
        for place in range(dice.randint(2, 7)):
            turns.append(turn(("user", "assistant")[place % 2], said()))
        if number % 5 == 0:
            turns += [turn("user", said())] if turns[-1]["role"] == "assistant" else []
            turns += [turn("assistant", said(), trained=False)]
        yield turns


def toy(form: str) -> tuple[Tokenizer, Target]:
    """A byte-level BPE with the control tokens of a real target's format, and that target over it."""
    real = find_target(form)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    marks = [AddedToken(mark, special=True, normalized=False) for mark in real.control]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=330, special_tokens=marks, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([" ".join(WORDS)] * 9 + ["user\n", "assistant\n\n"] * 9, trainer)
    control = {mark: tokenizer.token_to_id(mark) for mark in real.control}
    ids = {"bos_id": None, "eos_id": 1, "pad_id": 0, "bos": False, "continuation_bos": False}
    target = real.model_copy(update={"control": control, "probes": {}, "vocabulary": 400, **ids})
    return load_tokenizer_bytes(tokenizer.to_str().encode()), target


def form_of(target: Target) -> ChatFormat:
    assert target.chat is not None
    return target.chat


@pytest.mark.parametrize("name", INSTRUCT)
def test_ids_are_those_of_the_whole_string_and_trained_are_the_characters_of_trained_turns(name: str) -> None:
    tokenizer, target = toy(name)
    form = form_of(target)
    aware = Tokenizer.from_str(tokenizer.to_str())
    aware.encode_special_tokens = False
    for messages in conversations(60, system=not form.alternate):
        clean = [{**m, "content": m["content"].replace("<|", "< |").replace("<e", "< e")} for m in messages]
        written = write(clean, form, target.control)
        (chat,) = encode_chats([written], by_tokenizers(tokenizer), target.control)
        whole = aware.encode("".join(stretch.text for stretch in written), add_special_tokens=False)
        assert chat.ids.tolist() == whole.ids
        wanted, at = np.zeros(len(whole.ids), bool), 0
        for stretch in written:
            for start, stop in stretch.trained:
                wanted[whole.char_to_token(at + start) : whole.char_to_token(at + stop - 1) + 1] = True
            at += len(stretch.text)
        found = np.ones(len(whole.ids), bool)
        for start, stop in chat.masked:
            found[start:stop] = False
        assert found.tolist() == wanted.tolist()


@pytest.mark.parametrize("name", INSTRUCT)
def test_marks_that_a_text_spells_out_stay_text(name: str) -> None:
    tokenizer, target = toy(name)
    form, marks = form_of(target), " ".join(target.control)
    messages = [turn("user", f"{marks} say it"), turn("assistant", f"no {marks}")]
    written = write(messages, form, target.control)
    (chat,) = encode_chats([written], by_tokenizers(tokenizer), target.control)
    control = set(target.control.values())
    assert sum(int(number) in control for number in chat.ids) == sum(stretch.control for stretch in written)
    assert "".join(stretch.text for stretch in written).count(form.close) == 4  # two that close turns, two spelled out


def test_a_turns_content_is_trained_with_the_mark_that_closes_it_and_nothing_else() -> None:
    _, target = toy("qwen2.5-instruct")
    messages = [
        turn("system", "Be brief."),
        turn("user", "Dose?"),
        turn("assistant", "5 mg"),
        turn("assistant", ""),
    ]
    written = write(messages, form_of(target), target.control)
    trained = ["".join(stretch.text[a:b] for a, b in stretch.trained) for stretch in written if stretch.trained]
    assert trained == ["5 mg", "<|im_end|>", "<|im_end|>"]
    assert [stretch.text for stretch in written if stretch.opens] == ["<|im_start|>"] * 4


@pytest.mark.parametrize(
    ("name", "messages", "reason"),
    [
        ("qwen2.5-instruct", [turn("tool", "x"), turn("assistant", "y")], "chat_role"),
        ("qwen2.5-instruct", [turn("user", "x")], "chat_nothing_trained"),
        ("gemma-2-instruct", [turn("assistant", "x"), turn("user", "y")], "chat_order"),
        ("gemma-2-instruct", [turn("user", "x"), turn("user", "y"), turn("assistant", "z")], "chat_order"),
        ("gemma-2-instruct", [turn("system", "x"), turn("assistant", "z")], "chat_order"),
        ("gemma-2-instruct", [turn("user", "x"), turn("system", "y"), turn("assistant", "z")], "chat_order"),
    ],
)
def test_what_a_format_cannot_hold_is_told(name: str, messages: list[dict[str, Any]], reason: str) -> None:
    target = find_target(name)
    with pytest.raises(ChatError) as caught:
        write(messages, form_of(target), target.control)
    assert caught.value.reason == reason


def test_gemma_reads_a_system_prompt_before_the_first_question() -> None:
    target = find_target("gemma-2-instruct")
    messages = [turn("system", "Be brief.\n"), turn("user", "Dose? "), turn("assistant", "5 mg")]
    text = "".join(stretch.text for stretch in write(messages, form_of(target), target.control))
    assert text == (
        "<bos><start_of_turn>user\nBe brief.\n\nDose?<end_of_turn>\n<start_of_turn>model\n5 mg<end_of_turn>\n"
    )


def test_a_token_leads_back_to_the_turn_that_it_was_written_for() -> None:
    tokenizer, target = toy("qwen2.5-instruct")
    written = write([turn("user", "Dose?"), turn("assistant", "0.5 mg")], form_of(target), target.control)
    (chat,) = encode_chats([written], by_tokenizers(tokenizer), target.control)
    found = [spelled(chat, token) for token in range(len(chat.ids))]
    assert [stretch.text for stretch, first in found if first == found[0][1]] == ["<|im_start|>"]
    assert {stretch.text for stretch, _ in found} == {s.text for s in written}
    assert all(first <= token for token, (_, first) in enumerate(found))


def chat_table(chats: list[list[dict[str, Any]]]) -> pa.Table:
    return to_table(
        [
            Document(id=f"d{n}", kind="dialogue", source="s", key=str(n), text="user: x", messages=messages)
            for n, messages in enumerate(chats)
        ]
    )


def test_rows_of_a_mixture_train_on_exactly_the_trained_tokens_wherever_packing_put_them() -> None:
    tokenizer, target = toy("llama-3.1-instruct")
    target = target.model_copy(update={"bos_id": 2, "bos": True, "continuation_bos": True})
    chats = list(conversations(80, system=True))
    table = chat_table([*chats, [turn("user", "plain")]]).slice(0, 80)
    plain = to_table(
        [Document(id=f"p{n}", kind="article", source="s", key=str(n), text="RR >30 " * n) for n in range(30)]
    )
    table = pa.concat_tables([table, plain])
    written = [chat for chat in write_chats(table, form_of(target), target.control) if not isinstance(chat, ChatError)]
    tokens = tokenize_documents(table, tokenizer, target, None, written)
    lengths = np.array([len(ids) for ids in tokens["ids"].to_pylist()])
    breaks = [Breaks.of(tokens[name]) for name in ("section_breaks", "paragraph_breaks")]
    marked = tokens["marked"].to_numpy()
    assert marked.tolist() == [True] * 80 + [False] * 30
    packed = pack(lengths, PackRule(96, True, True, True), *breaks, marked=marked)
    fits = lengths[:80] <= 96
    pieces = np.bincount(packed.document, minlength=110)[:80]
    assert (pieces[fits] == 1).all()
    assert (~fits).any()
    assert (pieces[~fits] > 1).all()
    order = np.random.default_rng(3).permutation(packed.sequences)
    block = assemble([Part(packed, np.arange(len(order)), order, 0)], TokenShards.of([tokens]), target)
    assert {kind: count_targets(Batch(block, 0, kind)) for kind in ("next", "same")} == {
        kind: expected(tokens, packed) for kind in ("next", "same")
    }


def count_targets(batch: Batch) -> dict[int, int]:
    """How often each id is a target; the label is the id itself, in whichever place it stands."""
    labels = batch.labels[batch.labels != IGNORED]
    return {int(k): int(n) for k, n in zip(*np.unique(labels, return_counts=True), strict=True)}


def expected(tokens: pa.Table, packed: Any) -> dict[int, int]:
    """Count the targets document by document: all tokens after the first of a piece that no span masks."""
    counts: dict[int, int] = {}
    for document, start, taken, bos, eos in zip(
        packed.document, packed.start, packed.tokens, packed.bos, packed.eos, strict=True
    ):
        ids, edges = tokens["ids"][int(document)].as_py(), tokens["masked"][int(document)].as_py()
        masked = {at for a, b in zip(edges[::2], edges[1::2], strict=True) for at in range(a, b)}
        first = start if bos else start + 1
        found = [ids[at] for at in range(first, start + taken) if at not in masked] + [1] * int(eos)
        for number in found:
            counts[number] = counts.get(number, 0) + 1
    return counts


def template_of(folder: str, pinned: str | None) -> jinja2.Template:
    """A model's own template as `transformers` compiles it."""
    data = os.environ.get("MEDMIX_DATA")
    if not data:
        pytest.skip("MEDMIX_DATA is not set")
    source = json.loads(Path(data, "tokenizers", folder, "tokenizer_config.json").read_text())["chat_template"]
    assert hashlib.sha256(source.encode()).hexdigest() == pinned
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    return env.from_string(source)


@pytest.mark.real
@pytest.mark.parametrize(("name", "folder", "system"), [("qwen2.5", "qwen2.5", True), ("gemma-2", "gemma-2", False)])
def test_the_format_writes_what_the_models_own_template_writes(name: str, folder: str, system: bool) -> None:
    target = find_target(f"{name}-instruct")
    template = template_of(folder, form_of(target).template_sha256)
    for messages in conversations(500, system=system):
        written = "".join(stretch.text for stretch in write(messages, form_of(target), target.control))
        assert written == template.render(messages=messages, bos_token="<bos>", tools=None)


@pytest.mark.real
@pytest.mark.parametrize("name", ["llama-3.1-instruct", "qwen2.5-instruct"])
def test_both_libraries_give_a_conversation_the_same_ids_and_masks(name: str) -> None:
    target = find_target(name)
    if not target.tokenizer_is_there():
        pytest.skip(f"no tokenizer file {target.tokenizer}; MEDMIX_DATA names the folder that has it")
    tokenizer = load_tokenizer(target)
    written = [write(messages, form_of(target), target.control) for messages in conversations(200, system=True)]
    slow = encode_chats(written, by_tokenizers(tokenizer), target.control)
    fast = encode_chats(written, fastest(tokenizer)[0], target.control)
    assert [(chat.ids.tolist(), chat.masked) for chat in slow] == [(chat.ids.tolist(), chat.masked) for chat in fast]
