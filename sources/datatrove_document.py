"""Our document as datatrove's, and back, with nothing lost: the bridge that lets its blocks run on our record.

datatrove knows `text`, `id` and a dictionary; every other field of ours travels in that dictionary under its own
name, so that its blocks find `url` or `language` where they look for them. Whatever a block adds there that is not
ours comes back in `extra` under `datatrove`. Media are not carried. Not here: running blocks.
"""

import json
from dataclasses import asdict, fields
from typing import Any

from datatrove.data import Document as DatatroveDocument

from sources.document import Document
from sources.rights import Rights

_CARRIED = tuple(field.name for field in fields(Document) if field.name not in ("id", "text"))


def to_datatrove(document: Document) -> DatatroveDocument:
    """Return a datatrove document whose metadata holds every field of ours, as plain values of its own."""
    values = asdict(document)
    return DatatroveDocument(text=document.text, id=document.id, metadata={name: values[name] for name in _CARRIED})


def from_datatrove(document: DatatroveDocument) -> Document:
    """Return our document from one that `to_datatrove` made and blocks may have changed.

    Raises KeyError when a field that every document needs (kind, source, key) is not in the metadata.
    """
    metadata: dict[str, Any] = dict(document.metadata)
    ours = {name: metadata.pop(name) for name in _CARRIED if name in metadata}
    ours["rights"] = Rights(**ours["rights"]) if "rights" in ours else Rights()
    if metadata:
        extra = json.loads(ours.get("extra") or "{}")
        extra["datatrove"] = {**extra.get("datatrove", {}), **metadata}
        ours["extra"] = json.dumps(extra, sort_keys=True, ensure_ascii=False, default=str)
    missing = {"kind", "source", "key"} - ours.keys()
    if missing:
        raise KeyError(f"document {document.id!r} lacks {sorted(missing)}: it did not come from to_datatrove")
    return Document(id=document.id, text=document.text, **ours)
