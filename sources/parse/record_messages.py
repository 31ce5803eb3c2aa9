"""Turn the chat columns of a row into messages.

Chat sets name the same things differently (`role`/`from`, `content`/`value`, human/user/prompter, gpt/assistant);
instruction sets have columns, which a template for each role turns into turns; trees of ranked replies (OASST) give the
conversation that follows the best reply at each step. A turn whose role or content is not understood makes the row a
fault: leaving it out would change who said what. Trained are the assistant's turns. Not here: chat templates.
"""

import math
from typing import Any

from sources.parse.record_fields import Row, RowError, find, text_of

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "patient": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "doctor": "assistant",
}
_ROLE_KEYS = ("role", "from", "speaker", "author")
_CONTENT_KEYS = ("content", "value", "text", "utterance")


def messages_of(row: Row, spec: Any) -> list[dict[str, Any]]:
    """Return the turns that `spec` names: role, content, trained (assistant only).

    `spec` is the path of a list of turns, a template for each role, `{turns: path, system: template}` for a list with
    its system prompt in a column, or `{tree: path}` for a tree of messages (`.` when the row is its root). Raises
    RowError: `missing_field`, `wrong_type`, `empty_text`.
    """
    if isinstance(spec, dict) and "tree" in spec:
        root = row.fields if spec["tree"] == "." else find(row, spec["tree"])
        if root is None:
            raise RowError("missing_field", spec["tree"])
        turns = _best_path(root)
    elif isinstance(spec, dict) and "turns" in spec:
        turns = [t for n, raw in enumerate(_list(row, spec["turns"]), 1) if (t := _read_turn(raw, f"turn {n}"))]
        system = find(row, spec["system"]) if "system" in spec else None
        if system and turns and turns[0]["role"] != "system":
            turns.insert(0, _turn("system", text_of(row, spec["system"])))
    elif isinstance(spec, dict):
        turns = [_turn(role, text_of(row, template)) for role, template in spec.items() if _wanted(row, role, template)]
    else:
        turns = [t for n, raw in enumerate(_list(row, spec), 1) if (t := _read_turn(raw, f"turn {n}"))]
    if not any(turn["role"] != "system" for turn in turns):
        raise RowError("empty_text", "no turns")
    return turns


def rendered(messages: list[dict[str, Any]]) -> str:
    """Return a chat as plain text: `role: content` blocks with blank lines between."""
    return "\n\n".join(f"{message['role']}: {message['content']}" for message in messages)


def _wanted(row: Row, role: str, template: Any) -> bool:
    """A system turn may be absent; no other may."""
    return role != "system" or bool(find(row, template))


def _best_path(root: Any) -> list[dict[str, Any]]:
    """Return the turns from the root on, each time by the reply of the best rank (0), up to the last answer.

    Replies that were deleted or did not pass review are no choice; of equal ranks, and of replies without one, the
    first counts. Raises RowError: `empty_text` when no answer is left.
    """
    turns: list[dict[str, Any]] = []
    message = root
    while message is not None:
        turn = _read_turn(message, f"turn {len(turns) + 1}")
        if turn:
            turns.append(turn)
        replies = [one for one in message.get("replies") or [] if _stands(one)]
        message = min(replies, key=_rank, default=None)
    while turns and turns[-1]["role"] != "assistant":
        turns.pop()
    if not turns:
        raise RowError("empty_text", "no answer in the tree")
    return turns


def _stands(message: Any) -> bool:
    """Say whether a message is there to be used: not deleted, and not refused by its reviewers."""
    if not isinstance(message, dict):
        raise RowError("wrong_type", f"reply is {type(message).__name__}")
    return not message.get("deleted") and message.get("review_result") is not False


def _rank(message: dict[str, Any]) -> float:
    rank = message.get("rank")
    return float(rank) if isinstance(rank, (int, float)) else math.inf


def _list(row: Row, path: str) -> list[Any]:
    value = find(row, path)
    if value is None:
        raise RowError("missing_field", path)
    if not isinstance(value, list):
        raise RowError("wrong_type", f"{path} is {type(value).__name__}")
    return value


def _read_turn(raw: Any, label: str) -> dict[str, Any] | None:
    if not isinstance(raw, dict):
        raise RowError("wrong_type", f"{label} is {type(raw).__name__}")
    role = next((raw[name] for name in _ROLE_KEYS if name in raw), None)
    content = next((raw[name] for name in _CONTENT_KEYS if name in raw), None)
    if role is None or content is None:
        raise RowError("missing_field", f"{label}: role or content")
    if isinstance(content, list):
        content = _text_parts(content, label)
    if not isinstance(role, str) or not isinstance(content, str) or role.lower() not in _ROLES:
        raise RowError("wrong_type", f"{label}: role or content")
    if not content.strip():
        if _ROLES[role.lower()] == "system":
            return None
        raise RowError("empty_text", label)
    return _turn(role.lower(), content)


def _text_parts(parts: list[Any], label: str) -> str:
    """Join the text parts of a multi-part content; any other part (an image) is refused."""
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    if not all(isinstance(text, str) for text in texts):
        raise RowError("wrong_type", f"{label}: a part that is not text")
    return "\n\n".join(str(text) for text in texts)


def _turn(role: str, content: str) -> dict[str, Any]:
    if role not in _ROLES:
        raise RowError("wrong_type", "role")
    return {"role": _ROLES[role], "content": content, "trained": _ROLES[role] == "assistant"}
