"""In the demo the newest state of a page is kept, names the one before it, and a run may ask for both."""

from pathlib import Path

import pyarrow.parquet as pq
from demo_runs import DEMO, call_medmix

from pipelines.load import load_run
from pipelines.result import Result, read_result
from sources.document import document_id

OLD, NEW = "tuberculosis-children-before.html", "tuberculosis-children.html"


def superseding(result: Result) -> dict[str, str | None]:
    """Return what each kept document of the two supersedes, by key."""
    found: dict[str, str | None] = {}
    for name in result.documents:
        for ref in result.manifests[name].files():
            rows = pq.read_table(result.storage.disk.root / ref.path, columns=["key", "supersedes"]).to_pylist()
            found |= {row["key"]: row["supersedes"] for row in rows}
    assert not [key for key, older in found.items() if older and key != NEW]
    return {key: found[key] for key in (OLD, NEW) if key in found}


def test_the_newest_state_names_the_one_before_it(demo_result: Result) -> None:
    assert superseding(demo_result) == {NEW: document_id("guidelines", OLD, None)}


def test_all_states_are_kept_on_request(demo_copy: Path) -> None:
    at = [stage.kind for stage in load_run(DEMO).stages].index("consolidate")  # type: ignore[attr-defined]
    words = ("run", DEMO, "-s", f"out={demo_copy}", "-s", f"stages.{at}.drop_superseded=false", "--inline")
    assert call_medmix(*words).returncode == 0
    kept = superseding(read_result(demo_copy))
    assert kept == {OLD: None, NEW: document_id("guidelines", OLD, None)}
