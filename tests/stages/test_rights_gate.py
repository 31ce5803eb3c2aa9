"""A text made from others leaves with no more rights than they: parents, grandparents, those that are not there."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.given import Given, planned
from fakes.stages import Events

from pipelines.engine.disk import LocalDisk
from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import Storage
from pipelines.stages.consolidate import ConsolidateConfig
from pipelines.stages.consolidation import Consolidation
from pipelines.stages.exchange import RunFacts
from pipelines.stages.rights_gate import RightsGateConfig, RightsKeys, resolve, rights_gate_steps
from sources.document import Document, to_table
from sources.rights import UNKNOWN, rights_from


def document(id: str, spdx: str = "CC0-1.0", *parents: str, **fields: Any) -> Document:
    rights = rights_from(spdx, f"evidence of {id}", attribution=f"author of {id}", **fields)
    text = f"Give {id} mg twice a day and look again after two days of treatment; go on when it helps."
    kind = "synthetic" if parents else "article"
    return Document(id=id, kind=kind, source="a", key=id, text=text, rights=rights, parents=list(parents), tokens=20)


def found(*documents: Document) -> dict[str, dict[str, Any]]:
    keys = RightsKeys().apply(to_table(documents)).table
    table = resolve(keys)
    assert table == resolve(pa.concat_tables([keys.slice(n, 1) for n in reversed(range(keys.num_rows))]))
    return {row["id"]: row["rights"] for row in table.to_pylist()}


def test_only_what_has_parents_is_listed() -> None:
    assert found(document("1", "CC-BY-4.0"), document("2")) == {}


def test_the_terms_of_all_parents_hold() -> None:
    rights = found(document("1", "CC-BY-SA-4.0"), document("2", "CC-BY-4.0"), document("3", "CC0-1.0", "1", "2"))["3"]
    assert rights["spdx"] == "CC-BY-4.0 AND CC-BY-SA-4.0 AND CC0-1.0"
    assert rights["attribution"] == "author of 3; author of 1; author of 2"


def test_terms_pass_through_a_text_that_was_made_itself() -> None:
    chain = [document("1", "CC-BY-NC-4.0"), document("2", "CC0-1.0", "1"), document("3", "CC0-1.0", "2")]
    assert {name: rights["commercial"] for name, rights in found(*chain).items()} == {"2": False, "3": False}


@pytest.mark.parametrize("documents", [[document("3", "CC0-1.0", "9")], [document("3", "CC0-1.0", "3")]])
def test_a_parent_that_proves_nothing_is_unknown(documents: list[Document]) -> None:
    rights = found(*documents)["3"]
    assert UNKNOWN in rights["spdx"]
    assert not rights["redistribute"]


DOCUMENTS = (
    document("open", "CC-BY-4.0"),
    document("alike", "CC-BY-SA-4.0"),
    document("closed", "CC-BY-NC-4.0"),
    document("fixed", "CC-BY-ND-4.0"),
    document("mined", "CC-BY-4.0", tdm_reserved=True),
    document("of-open", "CC0-1.0", "open"),
    document("of-closed", "CC0-1.0", "open", "closed"),
    document("of-fixed", "CC0-1.0", "open", "fixed"),
    document("of-mined", "CC0-1.0", "mined"),
    document("of-nothing", "CC0-1.0", "elsewhere"),
    document("of-both", "CC0-1.0", "alike", "closed"),
)


@pytest.mark.parametrize(
    ("profile", "kept", "alike"),
    [
        ("open", {"open", "alike", "of-open"}, set()),
        ("open-noncommercial", {"open", "alike", "closed", "of-open", "of-closed"}, {"of-both"}),
        ("research-internal", {one.id for one in DOCUMENTS} - {"mined", "of-mined"}, set()),
    ],
)
def test_consolidate_keeps_what_the_profile_allows(tmp_path: Path, profile: Any, kept: set, alike: set) -> None:
    storage = Storage(LocalDisk(tmp_path))
    stages = planned(Given(DOCUMENTS, 3), {"rights_gate": rights_gate_steps(RightsGateConfig(), RunFacts())})
    policy = Consolidation(ConsolidateConfig(profile=profile), ("rights_gate",))
    stages.append(PlannedStage(policy, {"documents": ("given",), "rights_gate": ("rights_gate",)}))
    manifest = run_stages(storage, stages, lambda: InlineRuntime(storage), Events())["consolidate"]
    rows = [row for ref in manifest.files() for row in pq.read_table(tmp_path / ref.path).to_pylist()]
    assert {row["id"] for row in rows} == kept
    rejects = [row for ref in manifest.files("rejects") for row in pq.read_table(tmp_path / ref.path).to_pylist()]
    assert {row["key"] for row in rejects if row["reason"] == "share_alike"} == alike
    assert {row["reason"] for row in rejects} <= {"rights", "share_alike"}
    carried = {row["id"]: row["rights"]["attribution"] for row in rows}
    assert carried["of-open"] == "author of of-open; author of open"
    assert carried["open"] == "author of open"
