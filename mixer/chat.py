"""Conversations in a model's own chat format, as ids and the stretches of them that are no targets.

The formats of the models fed here differ in a few things only: what opens and closes a turn, what roles are called,
whether contents are trimmed, and where a system prompt goes. So a format is data in the target's YAML, and what a
template of `transformers` does besides (today's date, a prompt that nobody wrote) is not done. A control token comes
from the format alone; one that is written in a turn is read as characters. Trained are the contents of turns marked so
and the token that closes them; whatever opens a turn is given at inference and is masked. Not here: packing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from mixer.encode import Encode, Ids, Places
from pipelines.engine.settings import BYTES, SPEED, Settings

Message = Mapping[str, Any]


class ChatFormat(Settings):
    """How a model writes a conversation: `open` (with `{role}`), content, `close`; `begin` before the first turn."""

    begin: Annotated[str, BYTES] = ""
    open: Annotated[str, BYTES]
    close: Annotated[str, BYTES]
    after: Annotated[str, BYTES] = ""
    """What stands between the mark that closes a turn and the next turn: part of no turn, and never a target."""
    roles: Annotated[dict[str, str], BYTES]
    """The model's name of each role; one that has none here cannot be written."""
    trim: Annotated[bool, BYTES] = False
    """Contents lose white space at both ends, as the model's template does it."""
    fold_system: Annotated[bool, BYTES] = False
    """A system prompt stands before the first user turn, with a blank line between, for models without that role."""
    alternate: Annotated[bool, BYTES] = False
    """Turns of user and assistant must alternate, the user's first."""
    template_sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$"), SPEED] = None
    """The chat template that this format was proven equal to, but for what it injects; None: written from its docs."""


class ChatError(ValueError):
    """A conversation that a format cannot hold; `reason` is that of the quarantine."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


REASONS = frozenset({"chat_role", "chat_order", "chat_nothing_trained"})


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a written conversation: text, or one control token; `trained` are characters of it, [start, end).

    `opens` says that a turn begins with it.
    """

    text: str
    control: bool
    trained: tuple[tuple[int, int], ...] = ()
    opens: bool = False


@dataclass(frozen=True, slots=True)
class EncodedChat:
    """A conversation's ids; `masked` holds (start, stop) of the tokens that are no targets; `turns` where turns begin.

    `stretches` and `firsts` lead from a token back to what it was written for: stretch k begins at token `firsts[k]`.
    """

    ids: Ids
    masked: list[tuple[int, int]]
    turns: list[int]
    stretches: tuple[Stretch, ...]
    firsts: tuple[int, ...]


def write(messages: Sequence[Message], form: ChatFormat, control: Mapping[str, int]) -> list[Stretch]:
    """Return a conversation as texts and control tokens, in order; two texts never meet.

    Raises ChatError: an unknown role, an order that the model does not know, or no turn that is trained.
    """
    turns = _turns(messages, form)
    if not any(trained for _, _, trained in turns):
        raise ChatError("chat_nothing_trained", f"none of {len(turns)} turns is trained")
    marks = re.compile("(" + "|".join(re.escape(mark) for mark in sorted(control, key=len, reverse=True)) + ")")
    written: list[Stretch] = []
    _add(written, form.begin, marks)
    for role, content, trained in turns:
        opened, rest = form.open.replace("{role}", form.roles[role]), content.strip() if form.trim else content
        _add(written, opened, marks, opens=True)
        _add(written, rest, None, trained)
        _add(written, form.close, marks, trained)
        _add(written, form.after, marks)
    return written


def encode_chats(chats: Sequence[Sequence[Stretch]], encode: Encode, control: Mapping[str, int]) -> list[EncodedChat]:
    """Return the ids of written conversations; each text between control tokens is encoded as a whole.

    So ids are those that a tokenizer gives for the whole string when it knows the control tokens, and a text that
    spells one of them out stays text. A token that holds the first character of a trained stretch is a target.
    """
    encoded = encode([stretch.text for chat in chats for stretch in chat if not stretch.control])
    texts = map(encoded.text, count())
    return [_encoded(chat, texts, control) for chat in chats]


def spelled(chat: EncodedChat, token: int) -> tuple[Stretch, int]:
    """Return the stretch that a token of a conversation belongs to, and the first token of that stretch."""
    place = int(np.searchsorted(chat.firsts, token, side="right")) - 1
    return chat.stretches[place], chat.firsts[place]


def _turns(messages: Sequence[Message], form: ChatFormat) -> list[tuple[str, str, bool]]:
    """Return (role, content, trained) of each turn that the format writes."""
    turns = [(str(m["role"]), m["content"] or "", bool(m["trained"])) for m in messages]
    unknown = [role for role, _, _ in turns if role not in form.roles and not (form.fold_system and role == "system")]
    if unknown:
        raise ChatError("chat_role", f"role {unknown[0]!r}; this model knows {', '.join(form.roles)}")
    if form.fold_system and turns and turns[0][0] == "system":
        (_, system, _), *turns = turns
        if not turns or turns[0][0] != "user":
            raise ChatError("chat_order", "a system prompt with no user turn after it, and this model has no such role")
        turns[0] = ("user", f"{system.strip() if form.trim else system}\n\n{turns[0][1]}", turns[0][2])
    roles = [role for role, _, _ in turns]
    if form.fold_system and "system" in roles:
        raise ChatError("chat_order", f"a system prompt as turn {roles.index('system') + 1}")
    if form.alternate and any(role != ("user", "assistant")[place % 2] for place, role in enumerate(roles)):
        raise ChatError("chat_order", f"turns of {', '.join(roles[:6])}; this model needs user and assistant in turn")
    return turns


def _add(
    written: list[Stretch], text: str, marks: re.Pattern[str] | None, trained: bool = False, opens: bool = False
) -> None:
    """Append a part of a format, in which `marks` are control tokens, or a content, in which nothing is."""
    for number, part in enumerate(marks.split(text) if marks else [text]):
        if not part:
            continue
        spans = ((0, len(part)),) if trained else ()
        if number % 2 or not written or written[-1].control:
            written.append(Stretch(part, bool(number % 2), spans, opens))
            opens = False
        else:
            before = written[-1]
            moved = tuple((a + len(before.text), b + len(before.text)) for a, b in spans)
            written[-1] = Stretch(before.text + part, False, before.trained + moved)


def _encoded(chat: Sequence[Stretch], texts: Iterator[tuple[Ids, Places]], control: Mapping[str, int]) -> EncodedChat:
    parts, masks, firsts, at = list[Ids](), list[npt.NDArray[np.bool_]](), list[int](), 0
    for stretch in chat:
        if stretch.control:
            ids, target = np.array([control[stretch.text]], np.uint32), np.array([bool(stretch.trained)])
        else:
            ids, starts = next(texts)
            target = _trained_tokens(starts, stretch)
        firsts.append(at)
        at += len(ids)
        parts.append(ids)
        masks.append(target)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], *masks, [True]]).astype(np.int8)))
    masked = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    turns = [first for first, stretch in zip(firsts, chat, strict=True) if stretch.opens]
    return EncodedChat(np.concatenate(parts), masked, turns, tuple(chat), tuple(firsts))


def _trained_tokens(starts: Places, stretch: Stretch) -> npt.NDArray[np.bool_]:
    """Say of each token of a text whether it holds a character of a trained stretch; as `char_to_token` tells it."""
    target = np.zeros(len(starts), np.bool_)
    for start, stop in stretch.trained:
        if start == stop:
            continue
        places = [len(stretch.text[:char].encode()) for char in (start, start + 1, stop)]
        first, second, end = np.searchsorted(starts, places).tolist()
        target[max(0, first - (first == second)) : end] = True  # no token begins at `start`: the one before it holds it
    return target
