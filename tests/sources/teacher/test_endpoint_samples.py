"""On request, the demo's questions, sections and differentials at a real endpoint: rates by stratum, sample page.

    MEDMIX_TEACHER_URL=http://127.0.0.1:8000/v1 MEDMIX_TEACHER_MODEL=... pytest -s THIS_FILE

`MEDMIX_TEACHER_KEY` may hold a key. The page is named at the end. It fails when an item is lost or an accepted answer
differs from gold, whatever the model is worth.
"""

import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from pipelines.generate import generate
from pipelines.load import load_generation, load_run
from pipelines.report.generated import generated_tables
from pipelines.run import How, run

CONFIGS = Path(__file__).parents[3] / "configs"
INLINE = How(inline=True, live=False)
TASKS = [
    {"kind": "mcq", "sources": ["questions"], "attempts": 3, "orders": 2, "passages": 3},
    {"kind": "guideline_qa", "sources": ["web"], "attempts": 2},
    {"kind": "differential", "sources": ["differentials"], "attempts": 2, "knowledge": "limited-resource"},
]


@pytest.mark.skipif("MEDMIX_TEACHER_URL" not in os.environ, reason="MEDMIX_TEACHER_URL names no endpoint")
def test_rates_and_samples_of_an_endpoint(tmp_path: Path) -> None:
    run(load_run(CONFIGS / "demo.yaml", [f"out={tmp_path / 'run'}"]), INLINE)
    model = os.environ.get("MEDMIX_TEACHER_MODEL", "default")
    teacher = {"url": os.environ["MEDMIX_TEACHER_URL"], "model": model, "revision": "unknown"}
    if "MEDMIX_TEACHER_KEY" in os.environ:
        teacher["key_env"] = "MEDMIX_TEACHER_KEY"
    folders = [f"out={tmp_path / 'out'}", f"run={tmp_path / 'run'}", f"journal={tmp_path / 'journal'}"]
    file = CONFIGS / "generate" / "demo.yaml"
    given = [f"teacher={json.dumps(teacher)}", f"tasks={json.dumps(TASKS)}"]
    result = generate(load_generation(file, [*folders, *given]), INLINE)
    for table in generated_tables(result.manifests):
        Console().print(table)
    print(f"samples: {tmp_path / 'out' / 'samples.html'}")
    total = result.manifests["generate-mcq"].ledger.total()
    assert total.records_in == 10 == total.records_kept + total.quarantined.total()
    for ref in result.manifests["generate-mcq"].files():
        for row in pq.ParquetFile(tmp_path / "out" / ref.path).read().to_pylist():
            assert row["text"].endswith(f". {row['mcq']['options'][row['mcq']['gold'][0]]}")
