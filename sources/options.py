"""Which options each parser takes, and a trial of them, so that a slip in a source file is told before anything runs.

Inside the sandbox a wrong option would look like thousands of bad items. So names are compared with the table here
(kept equal to the code by a test), and values are tried on a tiny item of the format, in this process: it is ours, not
the source's. Not here: which parser a source has (`sources.catalog`).
"""

import difflib
from collections.abc import Mapping
from importlib import import_module

from pipelines.engine.errors import ConfigError
from sources.catalog import PARSERS, SourceConfig
from sources.item_options import DIFFERENTIAL
from sources.parse.part import Unreadable

_ROWS = {"columns", "delimiter", "encoding", "fields", "format", "headers", "quote", "root", "where"}
OPTIONS: Mapping[str, frozenset[str]] = {
    "jats": frozenset({"citations"}),
    "html": frozenset({"charset", "content_xpath", "drop_xpath", "kind", "title_xpath"}),
    "pdf": frozenset({"ocr", "read_encrypted"}),
    "text": frozenset({"charset", "kind", "sections"}),
    "xml": frozenset(
        {"drop", "headings_from", "identifiers", "kind", "language", "preset", "published", "publisher"}
        | {"record", "references", "required", "text", "title", "url", "version"}
    ),
    "bookshelf": frozenset({"citations"}),
    "pubmed": frozenset(),
    "spl": frozenset(),
    "clinical_trials": frozenset(),
    "fhir": frozenset(),
    "mediawiki": frozenset({"charset", "namespaces"}),
    "records": frozenset(_ROWS),
    "mcq": frozenset(
        _ROWS | {"answer_word", "gold_is", "gold_separator", "language", "layout", "question_end", "split", "subject"}
    ),
    "datatrove": frozenset({"args", "reader"}),
    "differential": frozenset({"forms", "knowledge", "languages", "seed"}),
    "structured": frozenset({"name", "published", "root", "skip", "title", "url"}),
}
_TRIALS = {
    "jats": b"<article><front/><body><p>dose</p></body></article>",
    "html": b"<html><head><title>t</title></head><body><p>dose</p></body></html>",
    "text": b"dose",
    "xml": b"<guideline><p>dose</p></guideline>",
    "structured": b'{"dose": "5 mg"}',
}


def check_options(config: SourceConfig) -> None:
    """Raise ConfigError when a source's options have a name or a value that its parser does not know."""
    if not config.options:
        return
    where = f"source {config.name}: options"
    if config.parser == "auto":
        raise ConfigError(f"{where}: these belong to one parser; name it in `parser`, one of {', '.join(OPTIONS)}")
    known = OPTIONS[config.parser]
    for name in sorted(config.options.keys() - known):
        near = difflib.get_close_matches(name, known, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
        raise ConfigError(f"{where}.{name}: the parser {config.parser!r} has no such option; {hint}")
    _try(config, where)


def _try(config: SourceConfig, where: str) -> None:
    if config.parser == DIFFERENTIAL:  # tried by `for_source`, which knows where its base lies
        return
    module, _, function = PARSERS[config.parser].target.partition(":")
    found = import_module(module)  # only here: some parsers take a second to import
    if config.parser == "datatrove":  # its readers want bytes of their own format; the name is what can be wrong
        names = found.reader_names()
        if (reader := config.options.get("reader")) not in names:
            raise ConfigError(f"{where}.reader: datatrove has no reader {reader!r}; it has {', '.join(names)}")
        return
    parse = getattr(found, function)
    try:
        for _ in parse(_TRIALS.get(config.parser, b"[]"), "trial", dict(config.options)):
            pass
    except Unreadable:
        return
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ConfigError(f"{where}: do not fit the parser {config.parser!r}: {error}") from error
