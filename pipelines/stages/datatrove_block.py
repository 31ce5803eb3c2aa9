"""Run any filter or formatter of datatrove as a stage, named in the run file by its class.

The block runs in process over our documents; its drop reasons become ours and its statistics our counters. A block
that changes text leaves an edit, and sections follow line by line. Blocks whose result depends on other documents
are refused, as are those that take code. Not here: datatrove's executors, writers and deduplication.
"""

import inspect
from collections import Counter
from difflib import SequenceMatcher, get_close_matches
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import pyarrow as pa
from datatrove.data import Document as DatatroveDocument
from datatrove.pipeline import filters, formatters
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.filters.base_filter import BaseFilter
from datatrove.pipeline.formatters.base import BaseFormatter

from pipelines.engine.errors import ConfigError
from pipelines.engine.stage import Batch, Rejected
from pipelines.stages.content import content
from pipelines.stages.datatrove_settings import DatatroveConfig
from pipelines.stages.edits import edit_entry
from pipelines.stages.offsets import OffsetMap, Replacement, remap_sections
from sources.datatrove_document import from_datatrove, to_datatrove
from sources.document import Document, estimate_tokens, from_table, to_table

FILTERED = "datatrove.filtered"
EXTRA = "datatrove-filters"
REFUSED = {
    "LambdaFilter": "it takes code, which a run file cannot hold",
    "SamplerFilter": "its choice depends on the order of documents; sample in the mixture instead",
}
_GOPHER_QUALITY = "short_doc long_doc below_avg_threshold above_avg_threshold too_many_hashes too_many_ellipsis"
_GOPHER_QUALITY += " too_many_bullets too_many_end_ellipsis below_alpha_threshold enough_stop_words"
KNOWN_REASONS = {
    "GopherQualityFilter": [f"gopher_{name}" for name in _GOPHER_QUALITY.split()],
    "GopherRepetitionFilter": [
        *["empty", "dup_line_frac", "dup_para_frac", "dup_line_char_frac", "dup_para_char_frac"],
        *(f"top_{n}_gram" for n in range(2, 5)),
        *(f"duplicated_{n}_n_grams" for n in range(5, 11)),
    ],
    "FineWebQualityFilter": ["empty", "line_punct_ratio", "short_line_ratio", "char_dup_ratio", "list_ratio"],
    "C4QualityFilter": ["lorem_ipsum", "curly_bracket", "too_few_sentences"],
    "C4BadWordsFilter": ["document_removed_with_badwords"],
}


def blocks() -> dict[str, type[PipelineStep]]:
    """Return every filter and formatter of datatrove that can be a stage, by class name."""
    found = {**vars(filters), **vars(formatters)}
    kinds = (BaseFilter, BaseFormatter)
    return {n: c for n, c in found.items() if inspect.isclass(c) and issubclass(c, kinds) and n not in REFUSED}


class _Dropped:
    """Stands where datatrove puts a writer for what a filter drops; keeps the documents and their reasons."""

    def __init__(self) -> None:
        self.reasons: dict[int, str] = {}

    def __enter__(self) -> "_Dropped":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def write(self, document: DatatroveDocument, rank: int = 0) -> None:
        """Take note of one dropped document."""
        self.reasons[id(document)] = str(document.metadata.get("filter_reason", ""))


def _unsafe(config: DatatroveConfig) -> str:
    """Return why these arguments would change clinical facts or make results depend on other documents, or ""."""
    args = config.args
    if str(args.get("normalization", "")).startswith("NFK"):
        return "NFKC and NFKD turn 10³ into 103; use NFC or none"
    if config.block == "PIIFormatter" and args.get("remove_ips", True):
        return "it takes enzyme and section numbers (2.5.1.10) for addresses and changes them; set remove_ips: false"
    if args.get("keep_fraction") or "exclusion_writer" in args:
        return "keep_fraction and exclusion_writer cannot be set here"
    return ""


def _build(config: DatatroveConfig) -> PipelineStep:
    """Return the block. Raises ConfigError: unknown or refused block, wrong argument, missing package."""
    known = blocks()
    if config.block in REFUSED:
        raise ConfigError(f"datatrove block {config.block} cannot be a stage: {REFUSED[config.block]}")
    if config.block not in known:
        near = get_close_matches(config.block, known, 3, 0.4) or sorted(known)
        raise ConfigError(f"no datatrove filter or formatter is called {config.block!r}; nearest: {', '.join(near)}")
    kind = known[config.block]
    if "language" in inspect.signature(kind).parameters and find_spec("spacy") is None:
        raise ConfigError(f"datatrove block {config.block} splits words with spaCy: install medmix[{EXTRA}]")
    unsafe = _unsafe(config)
    if unsafe:
        raise ConfigError(f"datatrove block {config.block}: {unsafe}")
    try:
        return kind(**config.args)
    except ImportError as error:
        raise ConfigError(f"datatrove block {config.block}: {error} All of them come with medmix[{EXTRA}]") from error
    except TypeError as error:
        accepted = ", ".join(inspect.signature(kind).parameters)
        raise ConfigError(f"datatrove block {config.block}: {error}; it accepts {accepted}") from error


class DatatroveStage:
    """The stage. `counters` holds the block's own statistics, added up over all tables that it saw."""

    name = "datatrove"
    version = "1"
    writes = "documents"

    def __init__(self, config: DatatroveConfig) -> None:
        self.config = config
        self.name = f"datatrove-{config.block}"
        self.reasons = frozenset({FILTERED, *(f"datatrove.{name}" for name in KNOWN_REASONS.get(config.block, []))})
        self.counters: Counter[str] = Counter()
        self._block = _build(config)

    def identity(self) -> dict[str, Any]:
        """Return block and arguments, and the version of datatrove, whose code decides bytes."""
        return {**self.config.identity(), "datatrove": version("datatrove")}

    def apply(self, table: pa.Table) -> Batch:
        """Return the documents that the block keeps, as it leaves them, and its reasons for the others."""
        rejected: dict[int, Rejected] = {}
        kept: list[Document] = []
        for row, document in enumerate(from_table(table)):
            words = content(document.text, document.messages, document.mcq)
            sent = to_datatrove(document)
            sent.text = words
            came, reason = self._run(sent)
            if came is None:
                rejected[row] = self._rejected(reason)
            else:
                kept.append(self._returned(document, words, came))
        return Batch(to_table(kept), rejected)

    def _run(self, document: DatatroveDocument) -> tuple[DatatroveDocument | None, str]:
        """Run the block over one document: some blocks remember the last, so each gets a fresh one if it may."""
        block = self._block if isinstance(self._block, BaseFilter) else _build(self.config)
        block.stats = type(block.stats)(str(block))
        dropped = _Dropped()
        if isinstance(block, BaseFilter):
            block.exclusion_writer = dropped
        came = next(iter(block.run(iter([document]))), None)
        self.counters.update({name: int(stat.total) for name, stat in block.stats.stats.items()})
        return came, dropped.reasons.get(id(document), "")

    def _rejected(self, reason: str) -> Rejected:
        ours = f"datatrove.{reason}"
        return Rejected(ours, self.config.block) if ours in self.reasons else Rejected(FILTERED, reason)

    def _returned(self, before: Document, words: str, came: DatatroveDocument) -> Document:
        """Return the document as the block left it; a text that stands in for turns or a question is not written."""
        changed = came.text != words and words == before.text
        text = came.text
        came.text = before.text
        if changed:
            entry = edit_entry(self.name, self.version, self.config, [self.config.block])
            sections = remap_sections(before.sections, line_map(before.text, text))
            came.text = text
            came.metadata |= {
                "sections": sections,
                "tokens": estimate_tokens(text),
                "edits": [*came.metadata["edits"], entry],
            }
        return from_datatrove(came)


def line_map(old: str, new: str) -> OffsetMap:
    """Return where offsets of `old` lie in `new`: exact at borders of lines that stayed, else near."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    starts = [0]
    for line in before:
        starts.append(starts[-1] + len(line))
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return OffsetMap(
        Replacement(starts[i], starts[j], "".join(after[k:m]))
        for tag, i, j, k, m in matcher.get_opcodes()
        if tag != "equal"
    )
