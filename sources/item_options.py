"""What a parser is told of one item beside its bytes: the source's options, and what the item's media type adds.

Web records and members of archives have no suffix to tell a format by, so their media type does; a charset that a
server declared goes to parsers that take one. The knowledge base that a source of differentials names is found once,
when the plan is made, and its digest takes part in the source's identity, as do the models that read scans. Not here:
which options a parser knows (`sources.options`).
"""

import re
from pathlib import Path
from typing import Any

from pipelines.engine.errors import ConfigError
from sources.archive_item import Item
from sources.catalog import PARSERS, SourceConfig
from sources.parse.part import Unreadable

DIFFERENTIAL = "differential"
FORMATS = {
    "application/json": "json", "application/jsonl": "jsonl", "application/yaml": "yaml", "text/csv": "csv",
    "text/tab-separated-values": "tsv", "application/vnd.apache.parquet": "parquet",
}  # fmt: skip
"""The `format` option that a media type stands for."""


def for_item(options: dict[str, Any], parser: str, item: Item) -> dict[str, Any]:
    """Return the options with which a parser reads an item."""
    own = dict(options)
    declared, _, parameters = (item.media_type or "").partition(";")
    if parser in ("records", "mcq") and declared in FORMATS:
        own.setdefault("format", FORMATS[declared])
    charset = re.search(r"charset\s*=\s*[\"']?([\w.:+-]+)", parameters, re.IGNORECASE)
    if charset and PARSERS[parser].charset:
        own.setdefault("charset", charset[1])
    return own


def for_source(config: SourceConfig, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of a source with its knowledge base as a path, and what of files beside it decides bytes.

    Raises ConfigError for a base that is not there or does not hold together, for values that the parser refuses, and
    for models of tesseract that are missing.
    """
    where = f"source {config.name}: options"
    if config.parser == "pdf" and (languages := config.options.get("ocr")):
        from sources.parse.pdf_ocr import versions_of  # only sources of scans need what it imports

        try:
            return dict(config.options), {"ocr": versions_of(languages)}
        except ValueError as error:
            raise ConfigError(f"{where}.{error}") from None
    if config.parser != DIFFERENTIAL:
        return dict(config.options), {}
    from sources.teacher.differential import parse  # only sources of differentials need what it imports
    from sources.teacher.differential_checks import checks_identity
    from sources.teacher.knowledge_files import folder_of_knowledge, knowledge_digest
    from sources.teacher.verbalise import VERSION

    try:
        base = folder_of_knowledge(str(config.options.get("knowledge", ".")), folder)
        options = {**config.options, "knowledge": str(base)}
        list(parse(b"[]", "trial.yaml", options))
    except Unreadable:  # a trial that asks for nobody
        return options, {"knowledge": knowledge_digest(base), "grammar": VERSION, **checks_identity()}
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"{where}: {error}") from None
    raise AssertionError("an empty request has patients")
