"""Real checkpoints judged by the texts that judged the proxies, with EleutherAI's lm-evaluation-harness (0.4.13).

For each target of an experiment one task of the harness is written: held-out documents count whole (its rolling
likelihood), questions by their gold answer given the question, both in bits per byte, so that a checkpoint of any
tokenizer stands beside the proxies. The harness's own medical benchmarks are named beside them; they measure accuracy.
What the harness wrote is read back from its `results_*.json`. Not here: running the harness, which is an extra
(`pip install -e '.[harness]'`), and may happen on another machine.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.engine.errors import InputError

MEDICAL = (
    "medqa_4options", "medmcqa", "pubmedqa", "mmlu_anatomy", "mmlu_clinical_knowledge", "mmlu_college_biology",
    "mmlu_college_medicine", "mmlu_medical_genetics", "mmlu_professional_medicine",
)  # fmt: skip
"""Tasks that the harness brings; their data sets come from the hub."""
RESULTS = "results"
BITS, ACCURACY = "bits per byte", "accuracy"


@dataclass(frozen=True, slots=True)
class Text:
    """What a checkpoint is asked to tell, and what it is given before (nothing for documents)."""

    identity: str
    prompt: str
    scored: str


@dataclass(frozen=True, slots=True)
class Scored:
    """One figure of one checkpoint: `error` is the harness's standard error, None where it has none."""

    model: str
    target: str
    metric: str
    value: float
    error: float | None
    items: int


def task_name(target: str) -> str:
    """Return the name of a target's task: the harness takes letters, digits and underscores."""
    return "medmix_" + re.sub(r"[^a-z0-9]+", "_", target.lower())


def task_files(targets: Mapping[str, Sequence[Text]], folder: Path) -> dict[str, bytes]:
    """Return the files of tasks by name: for each target its YAML and its texts, which lie in `folder`."""
    found = {}
    for target, texts in targets.items():
        name = task_name(target)
        rows = [{"id": one.identity, "prompt": one.prompt, "text": one.scored} for one in texts]
        found[f"{name}.jsonl"] = "".join(json.dumps(row) + "\n" for row in rows).encode()
        whole = not any(one.prompt for one in texts)
        task = {
            "task": name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": str(folder / f"{name}.jsonl")}},
            "test_split": "test",
            "output_type": "loglikelihood_rolling" if whole else "loglikelihood",
            "doc_to_text": "" if whole else "prompt",
            "doc_to_target": "text",
            "target_delimiter": "",
            "metric_list": [{"metric": "bits_per_byte" if whole else "perplexity"}],
            "metadata": {"version": 1, "target": target, "bytes": sum(len(one.scored.encode()) for one in texts)},
        }
        found[f"{name}.yaml"] = (json.dumps(task, indent=1) + "\n").encode()  # JSON is YAML
    return found


def command(model: str, tasks: Sequence[str], folder: Path, include: bool) -> str:
    """Return the command line of the harness for some tasks."""
    path = f" --include_path {folder}" if include else ""
    return (
        f"lm-eval run --model hf --model_args pretrained={model} --tasks {','.join(tasks)}{path} "
        f"--output_path {folder / RESULTS}"
    )


def results(folder: Path) -> list[Scored]:
    """Return what all result files below a folder say, oldest first. Raises InputError for one that is none."""
    paths = sorted((folder / RESULTS).rglob("results_*.json"), key=lambda path: path.name)
    return [one for path in paths for one in read_results(path)]


def read_results(path: Path) -> list[Scored]:
    """Return the figures of one result file of the harness. Raises InputError."""
    try:
        body = json.loads(path.read_bytes())
        model = str(body.get("model_name") or body["config"]["model"])
        return list(_scored(body, model))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: no results of lm-evaluation-harness ({type(error).__name__}: {error}); it writes `results`, "
            "`n-samples` and `configs` by task, with --output_path"
        ) from error


def _scored(body: Mapping[str, Any], model: str) -> Iterator[Scored]:
    for task, found in body["results"].items():
        if task not in body["n-samples"]:  # a group: its tasks are there one by one
            continue
        items = int(body["n-samples"][task]["effective"])
        told = body["configs"][task].get("metadata") or {}
        if target := told.get("target"):
            bits = found.get("bits_per_byte,none")
            if bits is None:  # the perplexity of an item is exp of its loss, whatever its length
                bits = math.log(found["perplexity,none"]) * items / math.log(2) / told["bytes"]
            yield Scored(model, target, BITS, float(bits), None, items)
        elif "acc,none" in found:
            error = found.get("acc_stderr,none")
            yield Scored(model, task, ACCURACY, float(found["acc,none"]),
                         float(error) if isinstance(error, float) else None, items)  # fmt: skip
