"""`medmix export`: a mixture in the files that another trainer reads, with the lines of its config that name them.

`hub` layouts are what `medmix publish` writes; here are the others. What a trainer does with order, packing and weights
is its own, and the README beside the files says so. A folder that holds something already is never written into. Not
here: the formats (`mixer.export_megatron`, `mixer.export_axolotl`, `mixer.export_jsonl`).
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console

from pipelines.engine.errors import InputError
from pipelines.engine.storage import as_buffer
from pipelines.feed_cli import Folder, mixture_folder
from pipelines.result import Result, read_result

if TYPE_CHECKING:
    from mixer.stored import StoredRows

console = Console(soft_wrap=True)


class Format(StrEnum):
    """What can be written."""

    MEGATRON = "megatron"
    AXOLOTL = "axolotl"
    JSONL = "jsonl"
    TORCHTITAN = "torchtitan"


def export(
    folder: Folder,
    to: Annotated[Format, typer.Option("--to", help="Which trainer's files")],
    out: Annotated[Path, typer.Option(help="A folder that is empty or not there yet")],
    mixture: Annotated[str | None, typer.Option("--mixture", help="Which mixture, when the run has several")] = None,
) -> None:
    """Write a mixture in another trainer's format, and a README with the lines to paste into its config."""
    from mixer.stored import StoredRows

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"--out {out}: is there already and not empty; name another folder, or remove it")
    rows = StoredRows(mixture_folder(folder, mixture))
    out.mkdir(parents=True, exist_ok=True)
    where = out.resolve()
    writer = {Format.MEGATRON: _megatron, Format.AXOLOTL: _axolotl, Format.JSONL: _jsonl, Format.TORCHTITAN: _titan}[to]
    told = writer(rows, folder, mixture, where)
    (where / "README.md").write_text(told, encoding="utf-8")
    console.print(told)


def _megatron(rows: "StoredRows", folder: Path, mixture: str | None, out: Path) -> str:
    from mixer.export_megatron import export_megatron

    blend = export_megatron(rows, out)
    (out / "blend.txt").write_text("\n".join(blend) + "\n", encoding="utf-8")
    paths = " ".join(f"{line.split()[0]} {out / line.split()[1]}" for line in blend)
    return _readme(
        "Megatron-LM, Megatron-Core",
        f"--data-path {paths} \\\n--split 100,0,0 --seq-length {rows.sequence_tokens}",
        "Weights are tokens. Megatron orders and packs anew: shares hold, the exact order does not.",
    )


def _axolotl(rows: "StoredRows", folder: Path, mixture: str | None, out: Path) -> str:
    from mixer.export_axolotl import export_axolotl

    count = export_axolotl(rows, out)
    return _readme(
        "Axolotl",
        f"datasets:\n  - path: {out}\n    ds_type: parquet\n    type:\nsequence_len: {rows.sequence_tokens}\n"
        "sample_packing: true\nshuffle_merged_datasets: false",
        f"{count:,} rows, mixed and in the order of training: give no weights. BOS, EOS and masks are there already.",
    )


def _jsonl(rows: "StoredRows", folder: Path, mixture: str | None, out: Path) -> str:
    counts = _documents(folder, mixture, out)
    lines = "\n".join(
        f"  - {{path: {out / name}.jsonl, type: completion}}  # {count:,} documents" for name, count in counts.items()
    )
    return _readme(
        "trainers that read JSON lines (here as Axolotl names them)",
        f"datasets:\n{lines}",
        "Each document is there once. `messages` stands beside `text` where a document has turns.",
    )


def _titan(rows: "StoredRows", folder: Path, mixture: str | None, out: Path) -> str:
    from mixer.export_jsonl import document_weights

    _documents(folder, mixture, out)
    weights = document_weights(rows.components)
    children = "".join(
        f'    WeightedDataset(weight={weight:.9f}, dataset=documents("{out / name}.jsonl")),\n'
        for name, weight in weights.items()
    )
    (out / "data.py").write_text(_TITAN.format(children=children), encoding="utf-8")
    return _readme(
        "torchtitan (its Grain data layer; written after its documentation, not run)",
        "from data import dataset\n\nconfig.dataloader = GrainDataLoader.Config(dataset=dataset)",
        "Its weights count documents, so each share of tokens is divided by the component's mean tokens a document.",
    )


_TITAN = '''"""The components of a medmix mixture, with weights in documents as torchtitan counts them."""

from torchtitan.components.data import (
    ConcatThenSplitPackingConfig,
    DatasetMixConfig,
    IndexedJsonlSource,
    SingleDatasetConfig,
    WeightedDataset,
)
from torchtitan.hf_datasets.text_datasets import TextProcessor


def text(row):
    return row["text"]


def documents(path):
    source = IndexedJsonlSource.Config(patterns=(path,))
    return SingleDatasetConfig(source=source, processor=TextProcessor.Config(text_fn=text))


children = (
{children})
dataset = ConcatThenSplitPackingConfig(dataset=DatasetMixConfig(datasets=children))
'''


def _readme(trainer: str, snippet: str, note: str) -> str:
    return f"# A medmix mixture for {trainer}\n\n```\n{snippet}\n```\n\n{note}\n"


def _documents(folder: Path, mixture: str | None, out: Path) -> dict[str, int]:
    """Write the documents of each component. Raises InputError when only the mixture's folder was given."""
    from mixer.export_jsonl import export_jsonl

    if (folder / "mixture.json").is_file():
        raise InputError(f"{folder}: is the folder of a mixture, which holds no documents; give the run's folder")
    result = read_result(folder)
    name = result.named_mixture(mixture)
    return export_jsonl(_kept(result), _component_of(result, name), out)


def _kept(result: Result) -> Iterator[pa.Table]:
    for stage in result.documents:
        for ref in result.manifests[stage].files():
            yield pq.ParquetFile(pa.BufferReader(as_buffer(result.storage.read(ref)))).read()


def _component_of(result: Result, name: str) -> dict[str, str]:
    """Return the component of each document that a mixture takes, from its plan and its lineage."""
    plan = result.mixture_manifest(name, "mixture").shards[0]
    names = [component["name"] for component in plan.facts["components"]]
    order = pq.ParquetFile(pa.BufferReader(as_buffer(result.storage.read(plan.main)))).read(["component"])
    component = order["component"].to_numpy()
    found: dict[str, str] = {}
    for ref in result.mixture_manifest(name, "shards").files("lineage"):
        lineage = pq.ParquetFile(pa.BufferReader(as_buffer(result.storage.read(ref)))).read(["sequence", "document"])
        for sequence, document in zip(lineage["sequence"].to_pylist(), lineage["document"].to_pylist(), strict=True):
            found[document] = names[component[sequence]]
    return found
