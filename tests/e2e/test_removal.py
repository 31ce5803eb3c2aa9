"""A text whose removal was asked for is in no file of a run folder that was rebuilt and swept, by whatever name."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from demo_runs import call_medmix
from fakes.pmc import Bucket
from fakes.pmc_runs import INLINE, fetched, run_file
from tokenizers import Tokenizer

from pipelines.load import load_run
from pipelines.result import read_result
from pipelines.run import run as run_all
from sources.document import bare_name

CANARY = "The heron counted seventeen vials of quinozolam before dawn"
WORD = "quinozolam"
MIXTURE = """
demo_tokenizer: {vocabulary: 400}
mixtures:
  - {name: m, target: demo, sequence_tokens: 128, on_cap: shorten, components: [{name: all, weight: 1}]}
"""
WITH_DEDUP = "  - {kind: normalize}\n  - {kind: language}\n  - {kind: quality}\n  - {kind: dedup_exact}\n"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run over a frozen bucket and a folder that holds one of its articles once more, and a row of JSON lines."""
    bucket = Bucket()
    for number in range(1, 7):
        bucket.put(number)
    bucket.put(3, sentence=f"{CANARY}, and 5 mg were left.")
    bucket.inventory("2026-11-01")
    bucket.write(tmp_path / "mirror")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/copy.xml").write_bytes(bucket.objects["PMC3.1/PMC3.1.xml"])
    (tmp_path / "folder/other.xml").write_bytes(bucket.objects["PMC4.1/PMC4.1.xml"].replace(b"PMC4", b"PMC44"))
    rows = [{"id": f"row-{n}", "text": f"{CANARY if n == 2 else 'Nothing'} was seen on day {n}."} for n in range(4)]
    (tmp_path / "folder/rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    path = run_file(tmp_path, tmp_path / "mirror", "r1", stages=f"{WITH_DEDUP}  - {{kind: consolidate}}\n{MIXTURE}")
    folder = f"  - {{name: folder, kind: article, path: {tmp_path}/folder}}\nstages:"
    path.write_text(path.read_text().replace("stages:", folder, 1))
    fetched(path)
    return path


def again(run: Path, removed: list[str]) -> Path:
    """Run, with documents removed; return the run folder."""
    config = load_run(run, [f"stages.4.removed={json.dumps(removed)}"])
    run_all(config, INLINE)
    return Path(config.out)


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every file of a run folder: Parquet and Arrow unpacked, tokens turned into words."""
    result = read_result(folder)
    tokenizer = Tokenizer.from_file(str(next((folder / result.mixtures["m"]).rglob("tokenizer.json"))))
    for path in (path for path in folder.rglob("*") if path.is_file()):
        body, name = path.read_bytes(), str(path.relative_to(folder))
        yield name, body.decode("utf-8", "replace")
        if path.suffix == ".parquet":
            table = pq.read_table(io.BytesIO(body))
        elif path.suffix == ".arrow":
            table = _arrow(body)
        else:
            continue
        yield name, json.dumps(table.to_pylist(), default=str, ensure_ascii=False)
        for column in ("input_ids", "ids", "tokens"):
            if column in table.schema.names and table.num_rows and isinstance(table[column][0].as_py(), list):
                flat = [token for row in table[column].to_pylist() for token in row]
                yield name, tokenizer.decode(flat)


def _arrow(body: bytes) -> pa.Table:
    try:
        return pa.ipc.open_stream(body).read_all()
    except pa.ArrowInvalid:
        return pa.ipc.open_file(body).read_all()


def survivors(folder: Path) -> list[str]:
    return sorted({name for name, text in texts(folder) if WORD in text})


@pytest.mark.parametrize(
    "names",
    [
        ["PMC3", "KEY"],
        pytest.param(["https://pmc.ncbi.nlm.nih.gov/articles/PMC3/", "KEY"], marks=pytest.mark.nightly),
        ["https://doi.org/10.5555/FAKE.3", "KEY"],
        pytest.param(["PMC3.1", "copy.xml", "KEY"], marks=pytest.mark.nightly),
    ],
)
def test_nothing_of_it_survives(run: Path, names: list[str]) -> None:
    folder = again(run, [])
    before = survivors(folder)
    assert any("documents-" in name for name in before)
    assert any("mixtures/" in name for name in before)
    keys = [row["key"] for row in _extracted(folder) if WORD in row["text"] and row["key"].startswith("rows.jsonl#")]
    again(run, [keys[0] if name == "KEY" else name for name in names])
    assert survivors(folder)  # earlier shards still hold it: that is what the sweep is for
    swept = call_medmix("verify", str(folder), "--sweep")
    assert swept.returncode == 0, swept.stderr
    assert survivors(folder) == []
    assert call_medmix("verify", str(folder)).returncode == 0
    left = [row["key"] for ref in _kept(folder) for row in pq.read_table(folder / ref).select(["key"]).to_pylist()]
    assert {"PMC1.1", "PMC2.1"} <= set(left)


def test_by_id(run: Path) -> None:
    folder = again(run, [])
    again(run, [row["id"] for row in _extracted(folder) if WORD in row["text"]])
    call_medmix("verify", str(folder), "--sweep")
    assert survivors(folder) == []


def test_a_pmcid_reads_one_pack_again(run: Path) -> None:
    folder = again(run, [])
    before = {path.name for path in folder.glob("stages/extract-pmc@*/records/*.json")}
    again(run, ["PMC3"])
    assert len({path.name for path in folder.glob("stages/extract-pmc@*/records/*.json")} - before) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://doi.org/10.1000/Ab.1", "10.1000/ab.1"),
        ("doi:10.1000/ab.1", "http://dx.doi.org/10.1000/AB.1"),
        ("https://www.ncbi.nlm.nih.gov/pmc/articles/PMC12/", "PMC12"),
        ("https://europepmc.org/article/PMC/PMC12", "pmcid:PMC12"),
        ("https://pubmed.ncbi.nlm.nih.gov/345/", "PMID: 345"),
        ("https://www.example.org/a/", "http://example.org/a"),
    ],
)
def test_spellings_of_one_name(one: str, other: str) -> None:
    assert bare_name(one) == bare_name(other)


def _kept(folder: Path) -> list[str]:
    result = read_result(folder)
    return [ref.path for name in result.documents for ref in result.manifests[name].files()]


def _extracted(folder: Path) -> Iterator[dict]:
    for name, manifest in read_result(folder).manifests.items():
        if name.startswith("extract-"):
            for ref in manifest.files():
                yield from pq.read_table(folder / ref.path).to_pylist()
