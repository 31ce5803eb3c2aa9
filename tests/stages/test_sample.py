"""Samples hold what was asked within one document, whatever the shards; strata keep their shares; nothing leaks."""

import json
import random
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from fakes.given import Given
from fakes.runs import run_inline
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.engine.disk import LocalDisk
from pipelines.engine.driver import PlannedStage
from pipelines.engine.errors import PlanError
from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask
from pipelines.engine.storage import Storage
from pipelines.stages.sample import SampleConfig, SampleKeys, SourceSample
from pipelines.stages.sample_apply import TakeSample, held_out_files
from pipelines.stages.sample_bounds import SampleBounds, fill, shares
from sources.document import Document, to_table

SEED = 20261130


def corpus(count: int, source: str = "web", subsets: int = 3, longest: int = 400) -> list[Document]:
    dice = random.Random(f"{source}{count}")
    documents = []
    for number in range(count):
        subset = f"part-{min(dice.randrange(subsets), dice.randrange(subsets))}"
        key = f"{subset}/file-{number % 5}.jsonl#{number}"
        facts = {"kind": "replay", "source": source, "key": key, "text": f"{source} {number}"}
        tokens = dice.randint(1, dice.randint(1, longest))
        documents.append(
            Document(id=f"{source}-{number}", tokens=tokens, extra=json.dumps({"subset": subset}), **facts)
        )
    return documents


@dataclass(frozen=True)
class Taken:
    train: list[dict[str, Any]]
    held_out: list[dict[str, Any]]
    manifest: Manifest
    root: Path

    def tokens(self, subset: str | None = None) -> int:
        return tokens_of(self.train, subset)


def tokens_of(rows: list[dict[str, Any]], subset: str | None = None) -> int:
    return sum(row["tokens"] for row in rows if subset in (None, json.loads(row["extra"])["subset"]))


def take(root: Path, documents: list[Document], rows: int = 250, seed: int = SEED, **sources: Any) -> Taken:
    config = SampleConfig(sources={name: SourceSample(**values) for name, values in sources.items()})
    disk = LocalDisk(root)
    planned = [
        PlannedStage(Given(tuple(documents), rows)),
        PlannedStage(Rows(SampleKeys(config, seed)), {"documents": ("given",)}),
        PlannedStage(SampleBounds(config), {"keys": ("sample_keys",)}),
        PlannedStage(TakeSample(), {"documents": ("given",), "keys": ("sample_keys",), "bounds": ("sample_bounds",)}),
    ]
    manifest = run_inline(disk, planned)["sample"]
    read = Shard(Storage(disk), planned[-1].stage, ShardTask("reader"), skip={}, rows=None).table
    kept = [row for ref in manifest.files() for row in read(ref).to_pylist()]
    out = [row for one in manifest.shards if "held_out" in one.files for row in read(one.files["held_out"]).to_pylist()]
    return Taken(kept, out, manifest, root)


@pytest.mark.parametrize("tokens", [1, 7_777, 30_000])
@pytest.mark.parametrize("by", [None, "extra.subset", "folder"])
def test_tokens_within_one_document_and_strata_within_one_of_their_share(
    tmp_path: Path, tokens: int, by: str | None
) -> None:
    documents = corpus(700)
    taken = take(tmp_path, documents, web={"tokens": tokens, "by": by})
    longest = max(one.tokens for one in documents)
    assert abs(taken.tokens() - tokens) < longest
    whole = sum(one.tokens for one in documents)
    if by:
        for subset in ("part-0", "part-1", "part-2"):
            there = sum(one.tokens for one in documents if subset in one.extra)
            assert abs(taken.tokens(subset) - Fraction(tokens * there, whole)) < longest
    order = [row["id"] for row in taken.train]
    assert order == [one.id for one in documents if one.id in set(order)]


def test_shards_order_and_neighbours_change_nothing(tmp_path: Path) -> None:
    documents = corpus(400)
    asked = {"web": {"tokens": 9_000, "by": "extra.subset", "held_out": "0.05"}}
    whole = take(tmp_path / "a", documents, rows=1000, **asked)
    shuffled = random.Random(1).sample([*documents, *corpus(300, "other")], 700)
    pieces = take(tmp_path / "b", shuffled, rows=70, **asked)
    assert ids(whole.train) == ids(row for row in pieces.train if row["source"] == "web")
    assert ids(whole.held_out) == ids(pieces.held_out)
    assert sum(row["source"] == "other" for row in pieces.train) == 300, "a source that is not named passes whole"


def test_another_seed_takes_others(tmp_path: Path) -> None:
    documents = corpus(400)
    one = take(tmp_path / "a", documents, web={"tokens": 9_000})
    other = take(tmp_path / "b", documents, seed=SEED + 1, web={"tokens": 9_000})
    common = ids(one.train) & ids(other.train)
    expected = len(one.train) * len(other.train) / len(documents)
    assert abs(len(common) - expected) < 6 * expected**0.5, "as many as chance has in common"


def test_a_larger_sample_holds_the_smaller_and_spares_what_is_held_out(tmp_path: Path) -> None:
    documents = corpus(600)
    small = take(tmp_path / "a", documents, web={"tokens": 5_000, "held_out": 2_000})
    large = take(tmp_path / "b", documents, web={"tokens": 30_000, "held_out": 2_000})
    rest = take(tmp_path / "c", documents, web={"held_out": 2_000})
    assert ids(small.train) < ids(large.train) < ids(rest.train)
    assert ids(small.held_out) == ids(large.held_out) == ids(rest.held_out)
    assert not ids(rest.train) & ids(rest.held_out)
    assert ids(rest.train) | ids(rest.held_out) == {one.id for one in documents}


@pytest.mark.parametrize(("held_out", "expected"), [("0.1", 1_000), ("0", 0), (1, 1), (3_000, 3_000)])
def test_what_is_held_out_lies_in_a_folder_of_its_own(tmp_path: Path, held_out: Any, expected: int) -> None:
    documents = corpus(500)
    taken = take(tmp_path, documents, web={"tokens": 10_000, "by": "extra.subset", "held_out": held_out})
    longest = max(one.tokens for one in documents)
    assert abs(tokens_of(taken.held_out) - expected) < longest
    assert abs(taken.tokens() - 10_000) < longest
    files = held_out_files(taken.manifest)
    assert bool(files) == bool(taken.held_out)
    assert {Path(file).parent.name for file in files} <= {"held-out"}
    assert {Path(ref.path).parent.name for ref in taken.manifest.files()} == {"train"}
    assert all((taken.root / file).is_file() for file in files)
    ledger = taken.manifest.ledger.sources["web"]
    assert ledger.dropped["held_out"] == len(taken.held_out)
    assert ledger.dropped["not_sampled"] == len(documents) - len(taken.train) - len(taken.held_out)


def test_a_source_that_holds_too_little_ends_the_run(tmp_path: Path) -> None:
    documents = corpus(50)
    there = sum(one.tokens for one in documents)
    with pytest.raises(PlanError, match=rf"{there:,}.*after all other stages"):
        take(tmp_path / "a", documents, web={"tokens": there, "held_out": 1})
    with pytest.raises(PlanError, match="source absent, which holds 0"):
        take(tmp_path / "b", documents, absent={"tokens": 5})
    assert take(tmp_path / "c", documents, web={"tokens": there}).tokens() == there


def test_a_document_without_the_field_is_of_a_stratum_too(tmp_path: Path) -> None:
    documents = corpus(40)
    documents.append(Document(id="odd", kind="replay", source="web", key="odd", text="x", tokens=10_000))
    taken = take(tmp_path, documents, web={"tokens": 9_000, "by": "extra.subset"})
    assert taken.manifest.ledger.sources["web"].records_in == 41


lengths = st.lists(st.integers(0, 50), min_size=1, max_size=12)


@given(st.lists(lengths, min_size=1, max_size=8), st.data())
def test_fill_comes_within_one_document(strata: list[list[int]], data: Any) -> None:
    arrays = [np.array(one, np.int64) for one in strata]
    totals = [sum(one) for one in strata]
    wanted = data.draw(st.integers(0, sum(totals)))
    counts = fill(arrays, totals, wanted)
    got = [sum(one[:n]) for one, n in zip(strata, counts, strict=True)]
    longest = max(max(one) for one in strata)
    assert abs(sum(got) - wanted) * 2 <= longest
    for one, n, mine in zip(strata, counts, got, strict=True):
        share = Fraction(wanted * sum(one), sum(totals) or 1)
        assert mine - share <= (one[n - 1] if n else 0)
        assert share - mine <= (one[n] if n < len(one) else 0)


@given(st.lists(st.tuples(st.integers(1, 90), st.integers(0, 90)), min_size=1, max_size=6), st.data())
def test_shares_add_up_and_keep_to_limits(parts: list[tuple[int, int]], data: Any) -> None:
    weights, limits = [one for one, _ in parts], [one for _, one in parts]
    wanted = data.draw(st.integers(0, sum(limits)))
    found = shares(wanted, weights, limits)
    assert sum(found) == wanted
    assert all(0 <= share <= limit for share, limit in zip(found, limits, strict=True))
    free = [share / weight for share, weight, limit in zip(found, weights, limits, strict=True) if share < limit]
    assert len(set(free)) <= 1, "those within their limits share by weight"


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokens": 0},
        {"tokens": 5, "by": "subset"},
        {"tokens": 5, "by": "extra."},
        {"tokens": 5, "held_out": "1.5"},
        {"tokens": 5, "held_out": -1},
    ],
)
def test_requests_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SourceSample(**wrong)


def test_keys_do_not_depend_on_the_batch() -> None:
    table = to_table([*corpus(30), *corpus(20, "other")])
    stage = SampleKeys(SampleConfig(sources={"web": SourceSample(tokens=9, by="folder", held_out=Decimal("0.5"))}), 7)
    one_by_one = [stage.apply(table.slice(row, 1)).table for row in range(table.num_rows)]
    assert stage.apply(table).table.equals(pa.concat_tables(one_by_one).combine_chunks())
    assert stage.apply(table.slice(0, 0)).table.num_rows == 0


def ids(rows: Any) -> set[str]:
    return {row["id"] for row in rows}
