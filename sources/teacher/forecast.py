"""What a generation would ask, and what that would cost at least and at most, before anything is asked or written.

Evidence is gathered and every first request is made, in this process, exactly as the job would; so the number of
requests and the length of their prompts are counted, not guessed, and what the journal knows already is known. At
least means that every first attempt is accepted, at most that each item takes all its attempts and each answer all the
tokens that it may have. Tokens are estimates (`sources.document.estimate_tokens`). Not here: asking.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.storage import Storage, as_buffer
from sources.document import estimate_tokens
from sources.rights import Rights
from sources.teacher import eligible
from sources.teacher.evidence import Evidence
from sources.teacher.generation import Corpus, work_of
from sources.teacher.journal import Journal
from sources.teacher.passages import Passage, cut
from sources.teacher.request import Request
from sources.teacher.retrieve import Index
from sources.teacher.tasks import DifferentialTask, GenerationConfig, McqTask

TYPICAL_TOKENS = 400
"""Of an answer, for the least."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """One task: items, first requests that the journal knows, and (least, most) of what would be asked and paid."""

    task: str
    items: int
    refused: int
    known: int
    requests: tuple[int, int]
    prompt_tokens: tuple[int, int]
    completion_tokens: tuple[int, int]
    money: tuple[float, float]


def forecast(config: GenerationConfig, corpus: Corpus, storage: Storage) -> list[Forecast]:
    """Return what each task would do; `storage` is that of the run that `corpus` describes."""
    evidence = gathered(config, corpus, storage)
    journal = Journal(Path(config.journal))
    told = []
    for task in config.tasks:
        work = work_of(config, task)
        rows = kept_rows(corpus, storage, set(task.sources))
        candidates = [one for row in rows for one in work.candidates(row, evidence)]
        firsts = [work.maker.first(one.item, 0) for one in candidates if one.rejected is None]
        per_attempt = task.orders if isinstance(task, McqTask) else 1 if isinstance(task, DifferentialTask) else 2
        told.append(_told(config, task.kind, firsts, (per_attempt, task.attempts), journal, len(candidates)))
    return told


def _told(
    config: GenerationConfig, kind: str, firsts: list[Request], times: tuple[int, int], journal: Journal, seen: int
) -> Forecast:
    per_attempt, attempts = times
    unknown = [request for request in firsts if request.key not in journal]
    shown = sum(estimate_tokens(content) for request in unknown for _, content in request.messages)
    least, most = len(unknown) * per_attempt, len(unknown) * per_attempt * attempts
    prompts = (shown * per_attempt, shown * per_attempt * attempts)
    answers = (
        least * min(TYPICAL_TOKENS, config.teacher.sampling.max_tokens),
        most * config.teacher.sampling.max_tokens,
    )
    price = config.teacher.price
    money = [(p * price.prompt + a * price.completion) / 1e6 for p, a in zip(prompts, answers, strict=True)]
    refused, known = seen - len(firsts), len(firsts) - len(unknown)
    return Forecast(kind, len(firsts), refused, known, (least, most), prompts, answers, (money[0], money[1]))


def gathered(config: GenerationConfig, corpus: Corpus, storage: Storage) -> Evidence:
    """Return the evidence of a generation, as its stage gathers it, without writing it."""
    rows = list(kept_rows(corpus, storage, None))
    older = frozenset(row["supersedes"] for row in rows if row["supersedes"])
    passages: list[Passage] = []
    rights: dict[str, Rights] = {}
    for row in rows:
        if row["kind"] in config.evidence and not eligible.why_not_shown(row, config.profile, older):
            passages += cut(row).passages
            rights[row["id"]] = Rights(**row["rights"])
    return Evidence(Index(passages), rights, older)


def kept_rows(corpus: Corpus, storage: Storage, sources: set[str] | None) -> Iterator[dict[str, Any]]:
    """Yield the kept documents of some sources, or all."""
    for record in corpus.with_sources(sorted(sources)) if sources else corpus.kept:
        table: pa.Table = pq.read_table(pa.BufferReader(as_buffer(storage.read(record.main))))
        yield from (row for row in table.to_pylist() if sources is None or row["source"] in sources)
