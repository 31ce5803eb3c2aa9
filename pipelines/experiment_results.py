"""Write what came of an experiment: tables, proposal, mixture file, log and page, the same bytes each time.

The mixture file holds what confirmation recommends: the proposal when trained proxies say that it is better than the
natural mixture beyond noise, else the natural one, and says which and why. It links its evidence by digest. Times are
in `events.jsonl` alone. Not here: the page's charts (`report.experiment_page`).
"""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mixer.experiments.confirm import NATURAL, PROPOSAL, differences, sentence, values_of
from mixer.experiments.exchange import write_csv
from mixer.experiments.log import FILE as LOG
from mixer.experiments.log import appended
from mixer.experiments.settings import ExperimentConfig
from mixer.experiments.stages import CONFIRM, SWEEP
from mixer.experiments.sweep import collect
from mixer.experiments.table import Runs, from_arrow
from pipelines.engine.hashing import digest, seal, sha256_bytes
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import PARQUET
from pipelines.engine.storage import Storage, as_buffer
from pipelines.report.experiment_page import page
from pipelines.result import Result

MIXTURE, PAGE, RUNS, TRAJECTORIES, PROPOSED, RESULT = (
    "mixture.yaml", "index.html", "runs.parquet", "trajectories.parquet", "proposal.json", "experiment.json",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """What the command line tells: shares as (component, natural, proposal), sentences, and files by what they are."""

    shares: list[tuple[str, float, float]]
    told: list[str]
    files: dict[str, str]


def write_results(
    storage: Storage, config: ExperimentConfig, manifests: Mapping[str, Manifest], result: Result
) -> Written:
    """Write all of it and return what to tell. Raises StorageError, CorruptionError."""
    runs = from_arrow(_table(storage, manifests["decide"], "main"))
    confirmed = collect([_table(storage, manifests[CONFIRM], "main")], manifests[CONFIRM].digest)
    proposal = json.loads(bytes(storage.read(next(manifests["decide"].files("proposal")))))
    objective = {name: float(weight) for name, weight in config.objective.items()}
    others = runs.take([]) if config.results else runs  # the noise of other models is not that of ours
    found, noise = differences(confirmed, others, objective)
    verdict = sentence(found, noise)
    better = bool(found) and found[0].other == NATURAL and found[0].verdict == "better"
    weights = proposal["weights"] if better else proposal["natural"]
    evidence = {
        "question": config.question,
        "design": manifests["design"].digest if "design" in manifests else None,
        "sweep": manifests[SWEEP].digest,
        "confirmation": manifests[CONFIRM].digest,
        "seeds": sorted({int(seed) for seed in (*runs.seeds, *confirmed.seeds)}),
        "runs": len(runs),
        "diverged": _diverged(manifests),
        "natural": proposal["natural"],
        "proposal": proposal["weights"],
        "components": proposal["components"],
        "held_out": {k: v for k, v in proposal["combined"].get("held_out", {}).items() if k != "pairs"},
        "differences": [{**asdict(one), "verdict": one.verdict} for one in found],
        "noise": noise,
        "recommended": PROPOSAL if better else NATURAL,
        "verdict": verdict,
    }
    trajectories = _trajectories(storage, manifests)
    files = {
        RUNS: _parquet(_table(storage, manifests["decide"], "main")),
        **write_csv(runs),
        TRAJECTORIES: _parquet(trajectories),
        PROPOSED: seal(proposal),
        MIXTURE: mixture_file(config, result, weights, better, evidence).encode(),
    }
    shown = {
        "config": config.model_dump(mode="json"), "evidence": evidence, "proposal": proposal, "noise": noise,
        "mixture": files[MIXTURE].decode(), "targets": dict(manifests["evaluation"].shards[0].facts["targets"]),
        "counted": list(manifests["held-out"].shards[0].facts["components"]),
        "runs": _rows(runs, objective), "confirmed": _rows(confirmed, objective),
        "trajectories": _judged(trajectories, objective),
    }  # fmt: skip
    files[PAGE] = page(shown).encode()
    before = bytes(storage.disk.read(LOG)) if storage.size(LOG) else b""
    files[LOG] = appended(before, {**evidence, "evidence": digest(evidence)})
    for path, data in sorted(files.items()):
        storage.replace_file(path, data)
    listed = {path: {"sha256": sha256_bytes(data), "size_bytes": len(data)} for path, data in sorted(files.items())}
    storage.replace_file(RESULT, seal({"name": config.name, "evidence": evidence, "files": listed}))
    return Written(
        list(zip(proposal["components"], proposal["natural"], proposal["weights"], strict=True)),
        [*_fits_told(evidence), verdict, *proposal["notes"], _recommended(better)],
        {"mixture file": MIXTURE, "page": PAGE, "runs": RUNS, "log": LOG},
    )


def mixture_file(
    config: ExperimentConfig, result: Result, weights: list[float], better: bool, evidence: Mapping[str, Any]
) -> str:
    """Return the YAML section to paste into a run file."""
    base: Mapping[str, Any] = next(iter(result.config.get("mixtures", [])), {})
    which = "the proposal" if better else "the natural one"
    lines = [
        f"# The mixture that the experiment `{config.name}` recommends: {which}. Why: {PAGE}; the record: {LOG}.",
        "# Paste it into a run file, under its `mixtures:`.",
        f"- name: {config.name}",
        "  found_by:",
        f"    experiment: {config.name}",
        f"    verdict: {json.dumps(evidence['verdict'])}",
        f"    evidence: {digest(evidence)}",
        f"  target: {base.get('target', 'demo')}",
        f"  sequence_tokens: {base.get('sequence_tokens', 4096)}",
        "  on_cap: shorten",
        "  components:",
    ]
    for component, weight in zip(config.components, weights, strict=True):
        takes = [f"name: {component.name}"]
        for name in ("sources", "kinds", "languages", "evidence"):
            if (wanted := getattr(component, name)) is not None:
                takes.append(f"{name}: [{', '.join(json.dumps(one) for one in wanted)}]")
        lines.append(f"    - {{{', '.join(takes)}, weight: {weight:.4f}, max_epochs: {component.max_epochs}}}")
    return "\n".join(lines) + "\n"


def _recommended(better: bool) -> str:
    return (
        "The mixture file holds the proposal."
        if better
        else "The mixture file holds the natural mixture: no proposal was proven better than it."
    )


def _fits_told(evidence: Mapping[str, Any]) -> list[str]:
    held = evidence["held_out"]
    if not held or held["spearman"] is None:
        return []
    return [
        f"Measured against predicted on {held['runs']} held-out mixtures: rank correlation {held['spearman']:.3f} "
        f"(95 % {held['low']:.3f} to {held['high']:.3f})."
    ]


def _rows(runs: Runs, objective: Mapping[str, float]) -> list[dict[str, Any]]:
    values = values_of(runs, objective)
    return [
        {
            "run": run, "split": runs.splits[at], "seed": int(runs.seeds[at]), "replicate": int(runs.replicates[at]),
            "objective": float(values[at]), "weights": [float(w) for w in runs.weights[at]],
            "metrics": {name: float(v) for name, v in zip(runs.targets, runs.metrics[at], strict=True)},
        }
        for at, run in enumerate(runs.ids)
    ]  # fmt: skip


def _diverged(manifests: Mapping[str, Manifest]) -> list[str]:
    return [shard.shard for name in (SWEEP, CONFIRM) for shard in manifests[name].shards if shard.facts["diverged"]]


def _trajectories(storage: Storage, manifests: Mapping[str, Manifest]) -> pa.Table:
    """Return every step of every proxy: run, step, what (train or target), name, value."""
    tables = []
    for name in (SWEEP, CONFIRM):
        for shard in (one for one in manifests[name].shards if "trajectory" in one.files):
            table = pq.read_table(pa.BufferReader(as_buffer(storage.read(shard.files["trajectory"]))))
            tables.append(table.add_column(0, "run", pa.array([shard.shard] * table.num_rows, pa.string())))
    return pa.concat_tables(tables)


def _judged(trajectories: pa.Table, objective: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return the objective of each run at each step at which it was judged."""
    total, sums = sum(objective.values()), dict[tuple[str, int], float]()
    for row in trajectories.filter(pa.compute.equal(trajectories["what"], "target")).to_pylist():
        if row["name"] in objective:
            key = row["run"], row["step"]
            sums[key] = sums.get(key, 0.0) + row["value"] * objective[row["name"]] / total
    return [{"run": run, "step": step, "objective": value} for (run, step), value in sums.items()]


def _table(storage: Storage, manifest: Manifest, role: str) -> pa.Table:
    tables = [pq.read_table(pa.BufferReader(as_buffer(storage.read(ref)))) for ref in manifest.files(role)]
    return pa.concat_tables(tables)


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **PARQUET)
    return sink.getvalue()
