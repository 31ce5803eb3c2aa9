"""Conversations for Qwen2.5 have the strings and ids of `apply_chat_template` of `transformers`, and the right masks.

A turn's characters are what the template adds when the turn is added to those before it, so which tokens are trained
follows from `transformers` alone: those of an assistant's turn after the line that opens it, up to the mark that closes
it. The text of conversations that spell control tokens out is compared as a string; ids only of those that do not, as
`transformers` reads such a spelling as the token itself, which this project never does.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixer.chat import encode_chats, write
from mixer.encode import fastest
from mixer.target import find_target, load_tokenizer

CONVERSATIONS = 500
WORDS = (
    "Give", "0.5 mg/kg", "if", "SpO2 <90%", "or", "RR >30;", "not", "5 µg", "10³", "É", "e\u0301", "五", "한국어",
    "नमस्ते", "\U0001f469\u200d\U0001f52c", "user", "assistant\n", "\n\n", " ", "\t", "{{ role }}", "{% x %}", "</s>",
    "<|", "\u200b",
)  # fmt: skip
SPELLED = ("<|im_end|>", "<|im_start|>", "<|im_start|>assistant\n", "<|endoftext|>")


@pytest.fixture(scope="module")
def theirs() -> Any:
    transformers = pytest.importorskip(
        "transformers", reason="transformers is not installed: pip install -e '.[train]'"
    )
    data = os.environ.get("MEDMIX_DATA")
    if not data:
        pytest.skip("MEDMIX_DATA is not set")
    return transformers.AutoTokenizer.from_pretrained(Path(data, "tokenizers", "qwen2.5"))


def conversations(words: tuple[str, ...]) -> Iterator[list[dict[str, Any]]]:
    """Conversations with a system prompt; some end with the user, some have empty turns or two of one role."""
    dice = random.Random(11)
    for _ in range(CONVERSATIONS):
        roles = ["system", *(("user", "assistant")[place % 2] for place in range(dice.randint(2, 9)))]
        if dice.random() < 0.2:
            roles.append(roles[-1])
        yield [
            {"role": role, "content": dice.choice((" ", "")).join(dice.choices(words, k=dice.randint(0, 30)))}
            for role in roles
        ]


def marked(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**message, "trained": message["role"] == "assistant"} for message in messages]


@pytest.mark.nightly
@pytest.mark.real
def test_strings_are_those_of_apply_chat_template_whatever_a_text_spells(theirs: Any) -> None:
    target = find_target("qwen2.5-instruct")
    assert target.chat is not None
    for messages in conversations(WORDS + SPELLED):
        written = "".join(stretch.text for stretch in write(marked(messages), target.chat, target.control))
        assert written == theirs.apply_chat_template(messages, tokenize=False)


@pytest.mark.nightly
@pytest.mark.real
def test_ids_are_those_of_apply_chat_template_and_every_token_is_rightly_masked(theirs: Any) -> None:
    target = find_target("qwen2.5-instruct")
    assert target.chat is not None
    talks = list(conversations(WORDS))
    written = [write(marked(messages), target.chat, target.control) for messages in talks]
    chats = encode_chats(written, fastest(load_tokenizer(target))[0], target.control)
    tokens = trained = 0
    for messages, chat in zip(talks, chats, strict=True):
        given = theirs.apply_chat_template(messages, return_dict=True)
        assert chat.ids.tolist() == given["input_ids"]
        targets = np.ones(len(chat.ids), bool)
        for start, stop in chat.masked:
            targets[start:stop] = False
        assert targets.tolist() == by_prefixes(theirs, messages)
        tokens, trained = tokens + len(targets), trained + int(targets.sum())
    print(f"{len(talks)} conversations, {tokens:,} tokens, {trained:,} of them trained")


def by_prefixes(theirs: Any, messages: list[dict[str, Any]]) -> list[bool]:
    """Say of each token whether it holds a character that an assistant said, or the mark after it."""
    texts = [theirs.apply_chat_template(messages[:count], tokenize=False) for count in range(1, len(messages) + 1)]
    said, opening, before = np.zeros(len(texts[-1]), bool), "<|im_start|>assistant\n", ""
    for message, text in zip(messages, texts, strict=True):
        assert text.startswith(before)
        if message["role"] == "assistant":
            assert text[len(before) :].startswith(opening)
            said[len(before) + len(opening) : len(text) - len("\n")] = True
        before = text
    places = theirs(texts[-1], add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return [bool(said[start:stop].any()) for start, stop in places]
