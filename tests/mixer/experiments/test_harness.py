"""Tasks for lm-evaluation-harness say what was held out, and its result files are read as it writes them."""

import json
import math
from pathlib import Path

import pytest

from mixer.experiments.harness import BITS, Text, command, read_results, results, task_files
from pipelines.engine.errors import InputError

DOCUMENTS = [Text("a", "", "5 µg daily, {{ not a template }}"), Text("b", "", "SpO2 <90%")]
QUESTIONS = [Text("q", "Question: Which dose?\nAnswer:", " 0.5 mg")]
RESULTS = Path(__file__).parent / "harness_results.json"
"""As release 0.4.13 writes it for these two tasks and a benchmark, shortened."""


def test_a_task_holds_the_texts_as_they_are_and_the_bytes_they_count_for(tmp_path: Path) -> None:
    files = task_files({"held-out/guidelines": DOCUMENTS, "questions/medqa": QUESTIONS}, tmp_path)
    whole = json.loads(files["medmix_held_out_guidelines.yaml"])
    assert whole["output_type"] == "loglikelihood_rolling"
    assert whole["metadata"] == {"version": 1, "target": "held-out/guidelines", "bytes": 33 + 9}
    rows = [json.loads(line) for line in files["medmix_held_out_guidelines.jsonl"].splitlines()]
    assert [row["text"] for row in rows] == [one.scored for one in DOCUMENTS]
    asked = json.loads(files["medmix_questions_medqa.yaml"])
    assert (asked["output_type"], asked["doc_to_text"], asked["doc_to_target"]) == ("loglikelihood", "prompt", "text")
    assert asked["target_delimiter"] == "", "the gold answer brings its own space"
    assert asked["dataset_kwargs"]["data_files"]["test"] == str(tmp_path / "medmix_questions_medqa.jsonl")


def test_results_of_the_harness_become_bits_per_byte_and_accuracy(tmp_path: Path) -> None:
    (tmp_path / "results" / "my__model").mkdir(parents=True)
    (tmp_path / "results" / "my__model" / "results_2026-11-30T10-00-00.000000.json").write_bytes(RESULTS.read_bytes())
    found = {one.target: one for one in results(tmp_path)}
    assert found["held-out/guidelines"].value == 2.25
    assert (found["held-out/guidelines"].metric, found["held-out/guidelines"].items) == (BITS, 2)
    nats = 7 * math.log(2) * 1.5  # 1.5 bits for each of 7 bytes
    assert found["questions/medqa"].value == pytest.approx(nats / math.log(2) / 7)
    assert (found["medmcqa"].value, found["medmcqa"].error, found["medmcqa"].items) == (0.3125, 0.0072, 4183)
    assert set(found) == {"held-out/guidelines", "questions/medqa", "medmcqa"}, "groups are their tasks"
    assert {one.model for one in found.values()} == {"/models/mine"}


@pytest.mark.parametrize("body", ["", "[]", '{"results": {"x": {}}, "n-samples": {"x": {}}, "model_name": "m"}'])
def test_a_file_that_holds_no_results_is_told(tmp_path: Path, body: str) -> None:
    path = tmp_path / "results_1.json"
    path.write_text(body)
    with pytest.raises(InputError, match=r"results_1\.json: no results of lm-evaluation-harness"):
        read_results(path)


def test_the_command_names_model_tasks_and_folder() -> None:
    told = command("/models/mine", ["medmix_a", "medmix_b"], Path("/out"), include=True)
    assert told == (
        "lm-eval run --model hf --model_args pretrained=/models/mine --tasks medmix_a,medmix_b --include_path /out "
        "--output_path /out/results"
    )
