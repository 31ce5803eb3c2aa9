"""Turn the chat columns of a row into messages.

Chat sets name the same things differently (`role`/`from`, `content`/`value`, human/user/prompter, gpt/assistant);
instruction sets have columns, which a template for each role turns into turns. A turn whose role or content is
not understood makes the row a fault: leaving it out would change who said what. Not here: chat templates.
"""

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
    """Return the turns that `spec` (a path, or a template a role) names: role, content, trained (assistant only).

    Raises RowError: `missing_field`, `wrong_type`, `empty_text`.
    """
    if isinstance(spec, dict):
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
