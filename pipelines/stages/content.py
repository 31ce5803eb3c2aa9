"""The words of a document, wherever its kind keeps them: text, chat turns, or the fields of an MCQ.

Stages that judge (language, quality, emptiness) must judge the same words, so the choice is made here once. The
text wins; turns stand in for an empty text, and a question with its options for empty turns. Not for training:
how turns and questions are rendered is the mixer's business.
"""

from typing import Any

import pyarrow as pa


def content(text: str, messages: list[dict[str, Any]] | None, mcq: dict[str, Any] | None) -> str:
    """Return the words of one document, with a blank line between parts; empty when it has none."""
    if text and not text.isspace():
        return text
    parts = [message["content"] or "" for message in messages or []]
    if mcq and not any(parts):
        parts = [mcq["question"] or "", *(option or "" for option in mcq["options"] or []), mcq["explanation"] or ""]
    return "\n\n".join(part for part in parts if part and not part.isspace())


def contents(table: pa.Table) -> list[str]:
    """Return `content` for each row of a table of documents."""
    columns = (table.column(name).to_pylist() for name in ("text", "messages", "mcq"))
    return [content(*row) for row in zip(*columns, strict=True)]
