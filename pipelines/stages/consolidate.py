"""Apply the policy: from documents and all that was found out about them, say which go on and why the others do not.

This is the only stage that drops for rights, language, quality, age or duplication, so that changing one's mind costs
one pass over columns. Reasons are asked in a fixed order and the first that holds is given. Sections may be left out by
title, which is an edit of the text and noted as one. Not here: finding anything out, and shards (`consolidation`).
"""

import json
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
from pydantic import Field, field_validator

from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.stage import Batch, Rejected
from pipelines.stages.contamination_policy import ContaminationPolicy
from pipelines.stages.content import content
from pipelines.stages.drop_sections import drop_sections
from pipelines.stages.edits import edit_entry
from pipelines.stages.language import primary_subtag
from pipelines.stages.quality import FLAGS
from pipelines.stages.safety import FLAGS as UNSAFE
from pipelines.stages.safety import Flag
from sources.derived_rights import conflict
from sources.document import bare_name, estimate_tokens, names_of
from sources.rights import Profile, Rights, allows

PLAIN_REASONS = (
    "reference_only",
    "removal_requested",
    "rights",
    "share_alike",
    "retracted",
    "contaminated",
    "review_rejected",
    "empty",
    "too_short",
    "duplicate",
    "abstract_of",
    "near_duplicate",
    "superseded",
    "domain_cap",
    "language",
    "low_score",
)
REASONS = frozenset(PLAIN_REASONS) | {f"quality.{flag}" for flag in FLAGS} | {f"unsafe.{flag}" for flag in UNSAFE}
ROBOTS = ("noai", "noindex", "none")
DROP_SECTIONS = "drop_sections"
_CHANGED = ("text", "sections", "edits", "tokens", "language", "supersedes", "extra")


class Lineage(NamedTuple):
    """A document's place in a series: the id of the newest (None for itself) and of the next older (None for none)."""

    survivor: str | None
    supersedes: str | None


ALONE = Lineage(None, None)


class ConsolidateConfig(Settings):
    """The policy of a run. The defaults drop nothing for language or length."""

    profile: Annotated[Profile, BYTES] = "research-internal"
    languages: Annotated[tuple[str, ...] | None, BYTES] = None
    """Primary subtags that are kept (en, fr); null keeps all. A document of unknown language is always kept."""
    drop_flags: Annotated[tuple[str, ...], BYTES] = FLAGS
    """Quality flags that drop a document."""
    drop_unsafe: Annotated[tuple[Flag, ...], BYTES] = UNSAFE
    """Flags of `safety` that drop a document."""
    drop_retracted: Annotated[bool, BYTES] = True
    drop_superseded: Annotated[bool, BYTES] = True
    """Of each series that `versions` found only the newest is kept; false keeps all, each naming the one before."""
    robots: Annotated[tuple[str, ...], BYTES] = ROBOTS
    """Values of a page's robots statement by which it asks not to be used."""
    removed: Annotated[tuple[str, ...], BYTES] = ()
    """Ids, keys, URLs, identifiers (DOI, PMID, PMCID) of documents whose removal was asked for, in any spelling, or
    domains of their URLs (domain:example.org). They are left out when their source is read, so no file of a rebuilt run
    holds them; `medmix verify --sweep` removes the files of earlier runs that do, and `medmix remove` does all of it.
    """
    drop_sections: Annotated[str | None, BYTES] = None
    """Sections whose title matches this regular expression whole, in any case, are left out: References|Funding."""
    min_tokens: Annotated[int, BYTES] = 0
    min_scores: Annotated[dict[str, float], BYTES] = Field(default_factory=dict)
    """Scores of the stage `scores` below which a document is dropped: {whole_page: 0.5, medical_density: 1}."""
    contamination: Annotated[ContaminationPolicy, BYTES] = ContaminationPolicy()
    """Which findings of `decontaminate` cut a text or drop a document."""

    @field_validator("drop_flags")
    @classmethod
    def _known(cls, flags: tuple[str, ...]) -> tuple[str, ...]:
        for flag in flags:
            if flag not in FLAGS:
                near = get_close_matches(flag, FLAGS, 1)
                raise ValueError(f"no quality flag {flag!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        return flags

    @field_validator("drop_sections")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern


class Consolidate:
    """The policy over one table of documents and the attribute tables that lie beside it, row for row."""

    name = "consolidate"
    version = "3"
    reasons = REASONS

    def __init__(self, config: ConsolidateConfig) -> None:
        self.config = config
        self._removed = frozenset(map(bare_name, config.removed))
        self._titles = re.compile(config.drop_sections, re.IGNORECASE) if config.drop_sections else None

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide bytes."""
        return self.config.identity()

    def apply(
        self,
        documents: pa.Table,
        attributes: Mapping[str, pa.Table],
        losers: Mapping[str, Rejected],
        series: Mapping[str, Lineage] | None = None,
        unwanted: Mapping[str, Rejected] | None = None,
    ) -> Batch:
        """Return the documents that go on and why the others do not.

        `attributes` holds tables of as many rows in the same order, by stage name (`language`, `quality`; both may be
        missing), `losers` by id why a document goes that another stands for, `series` by id the place of each version,
        `unwanted` by id why a document goes for what is in it: items of a benchmark (`contamination_apply` cut the
        others), or what a reviewer rejected it for (`review_apply` made the corrections).
        Raises ValueError when rows do not match.
        """
        lineages = series or {}
        for role, table in attributes.items():
            if not table.column("id").equals(documents.column("id")):
                raise ValueError(f"the rows of {role!r} ({table.num_rows}) are not those of the documents")
        languages = _column(attributes, "language", "language", documents.num_rows)
        flags = _column(attributes, "quality", "quality_flags", documents.num_rows)
        unsafe = _column(attributes, "safety", "safety_flags", documents.num_rows)
        scores = _column(attributes, "scores", "scores", documents.num_rows)
        levels = _column(attributes, "evidence", "evidence", documents.num_rows)
        repeats = _column(attributes, "evidence", "gap_repeats", documents.num_rows)
        rejected: dict[int, Rejected] = {}
        rows = documents.to_pylist()
        for index, row in enumerate(rows):
            self._edit(row, languages[index])
            if levels[index]:
                row["extra"] = _with_facts(row["extra"], evidence=levels[index], gap_repeats=repeats[index])
            lineage = lineages.get(row["id"], ALONE)
            row["supersedes"] = lineage.supersedes or row["supersedes"]
            why = (
                self._by_its_source(row)
                or (unwanted or {}).get(row["id"])
                or self._too_little(row)
                or self._by_another(row, losers, lineage)
                or self._by_its_words(row, flags[index] or [], unsafe[index] or [], dict(scores[index] or ()))
            )
            if why:
                rejected[index] = why
        kept = [index for index in range(len(rows)) if index not in rejected]
        return Batch(
            _with_changes(documents.take(pa.array(kept, pa.int64())), [rows[index] for index in kept]), rejected
        )

    def _edit(self, row: dict[str, Any], language: str | None) -> None:
        """Leave out unwanted sections of `row`, in place, and put the language that was found for it."""
        if language != primary_subtag(row["language"]):
            row["language"] = language or row["language"]
        if not (self._titles and row["sections"]):
            return
        text, sections = drop_sections(row["text"], row["sections"], self._titles)
        if text != row["text"]:
            entry = edit_entry(self.name, self.version, self.config, [DROP_SECTIONS])
            row |= {"text": text, "sections": sections, "tokens": estimate_tokens(text)}
            row["edits"] = [*(row["edits"] or []), entry]

    def _by_its_source(self, row: dict[str, Any]) -> Rejected | None:
        """Return why this text may not be used, whatever it says."""
        extra = json.loads(row["extra"] or "{}")
        if extra.get("reference_only"):
            return Rejected("reference_only")
        if asked := self._asked_to_leave(row, str(extra.get("robots", ""))):
            return Rejected("removal_requested", asked)
        if not allows(Rights(**row["rights"]), self.config.profile):
            return Rejected("rights", f"{row['rights']['spdx']} under {self.config.profile}")
        if (
            row["parents"]
            and self.config.profile != "research-internal"
            and (at_odds := conflict(row["rights"]["spdx"]))
        ):
            return Rejected("share_alike", f"made from texts under {at_odds}, which no licence meets at once")
        if row["retracted"] and self.config.drop_retracted:
            return Rejected("retracted")
        return None

    def _asked_to_leave(self, row: dict[str, Any], robots: str) -> str:
        if self._removed and not names_of(row).isdisjoint(self._removed):
            return "named in the run file"
        value = asks_to_leave(robots, self.config.robots)
        return f"robots: {value}" if value else ""

    def _by_another(self, row: dict[str, Any], losers: Mapping[str, Rejected], lineage: Lineage) -> Rejected | None:
        """Return why another document stands for this one."""
        if row["id"] in losers:
            return losers[row["id"]]
        if lineage.survivor and self.config.drop_superseded:
            return Rejected("superseded", lineage.survivor)
        return None

    def _too_little(self, row: dict[str, Any]) -> Rejected | None:
        words = content(row["text"], row["messages"], row["mcq"])
        if not words:
            return Rejected("empty")
        tokens = estimate_tokens(words)
        if tokens < self.config.min_tokens:
            return Rejected("too_short", f"{tokens} tokens")
        return None

    def _by_its_words(
        self, row: dict[str, Any], flags: list[str], unsafe: list[str], scores: Mapping[str, float]
    ) -> Rejected | None:
        """Return why this text is not wanted."""
        for flag in unsafe:
            if flag in self.config.drop_unsafe:
                return Rejected(f"unsafe.{flag}")
        language = primary_subtag(row["language"])
        if self.config.languages is not None and language and language not in self.config.languages:
            return Rejected("language", language)
        for flag in flags:
            if flag in self.config.drop_flags:
                return Rejected(f"quality.{flag}")
        for name, least in self.config.min_scores.items():
            if scores.get(name, least) < least:
                return Rejected("low_score", f"{name} {scores[name]:.3f}")
        return None


def asks_to_leave(robots: str, values: Collection[str] = ROBOTS) -> str:
    """Return the value of a page's robots statement by which it asks not to be used, "" when it does not."""
    return next((value for value in re.split(r"[\s,:]+", robots.lower()) if value in values), "")


def _with_facts(extra: str | None, **facts: Any) -> str:
    """Return a document's further facts with these among them, where stages after this one find them."""
    return json.dumps(json.loads(extra or "{}") | facts, sort_keys=True, ensure_ascii=False)


def _column(attributes: Mapping[str, pa.Table], role: str, name: str, rows: int) -> list[Any]:
    values: list[Any] = attributes[role].column(name).to_pylist() if role in attributes else [None] * rows
    return values


def _with_changes(table: pa.Table, rows: list[dict[str, Any]]) -> pa.Table:
    for name in _CHANGED:
        index = table.schema.get_field_index(name)
        field = table.schema.field(index)
        table = table.set_column(index, field, pa.array([row[name] for row in rows], type=field.type))
    return table
