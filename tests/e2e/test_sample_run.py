"""A run samples its replay exactly: the same bytes by any worker count, strata kept, nothing held out is trained on."""

import json
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from demo_runs import call_medmix, digests, run_medmix

from mixer.target import load_tokenizer_bytes, train_bpe
from pipelines.result import Result, read_result
from pipelines.stages.sample_apply import held_out_files

TOKENS = 6_000
HELD_OUT = 600
RUN = """
name: sampled
out: {out}
seed: 11
shard_bytes: 16384
max_quarantined: 0.5
sources:
  - name: web
    kind: replay
    path: {folder}
    include: ["*.jsonl"]
    parser: records
    options: {{fields: {{text: text, extra: {{subset: meta.subset}}}}}}
stages:
  - {{kind: dedup_exact}}
  - {{kind: consolidate, min_tokens: 3}}
  - {{kind: sample, sources: {{web: {{tokens: {tokens}, by: extra.subset, held_out: {held_out}}}}}{target}}}
mixtures:
  - name: m
    target: demo
    sequence_tokens: 64
    on_cap: shorten
    components: [{{name: all, weight: 1, max_epochs: 1}}]
"""


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    dice = random.Random(5)
    words = ["river", "dose", "of", "5 mg", "<90%", "ferry", "clock", "naïve", "不", "beans"]
    (tmp_path / "texts").mkdir()
    for part in range(3):
        lines = []
        for number in range(300):
            text = " ".join(dice.choice(words) for _ in range(dice.randint(1, 60)))
            row = {"text": f"{part}.{number} {text}", "meta": {"subset": dice.choice(["a", "a", "a", "b", "c"])}}
            lines.append(json.dumps(row, ensure_ascii=False))
        lines[7] = lines[6]
        (tmp_path / "texts" / f"{part}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return written(tmp_path, "run.yaml")


def written(folder: Path, name: str, target: str = "") -> Path:
    values = {"out": folder / "out", "folder": folder / "texts", "tokens": TOKENS, "held_out": HELD_OUT}
    (folder / name).write_text(RUN.format(**values, target=target), encoding="utf-8")
    return folder / name


def rows(result: Result, files: list[str]) -> list[dict]:
    return [row for file in files for row in pq.read_table(result.storage.disk.root / file).to_pylist()]


def test_the_sample_holds_what_was_asked_however_it_is_cut(run_file: Path) -> None:
    done = call_medmix("run", run_file, "--inline")
    assert done.returncode == 0, done.stderr
    out = run_file.parent / "out"
    result = read_result(out)
    assert result.documents == ("sample",)
    manifests = result.manifests
    there = rows(result, [ref.path for ref in manifests["consolidate"].files()])
    train = rows(result, [ref.path for ref in manifests["sample"].files()])
    held_out = rows(result, held_out_files(manifests["sample"]))
    assert (
        f"held out, never trained on: {out / held_out_files(manifests['sample'])[0]}".rpartition("/")[0] in done.stdout
    )
    longest = max(row["tokens"] for row in there)
    assert abs(tokens(train) - TOKENS) < longest
    assert abs(tokens(held_out) - HELD_OUT) < longest
    for subset in "abc":
        share = TOKENS * tokens(there, subset) / tokens(there)
        assert abs(tokens(train, subset) - share) < longest
    trained = {row["document"] for row in lineage(result)}
    assert trained == {row["id"] for row in train}
    assert not trained & {row["id"] for row in held_out}
    assert not {row["text"] for row in train} & {row["text"] for row in held_out}
    assert call_medmix("verify", out).returncode == 0
    other = call_medmix("run", run_file, "--inline", "-s", f"out={out}-3", "-s", "shard_bytes=3000")
    assert other.returncode == 0, other.stderr
    recut = read_result(Path(f"{out}-3"))
    assert ids(rows(recut, [ref.path for ref in recut.manifests["sample"].files()])) == ids(train)
    assert ids(rows(recut, held_out_files(recut.manifests["sample"]))) == ids(held_out)


@pytest.mark.ray
def test_the_sample_is_the_same_with_two_workers(run_file: Path) -> None:
    out = run_file.parent / "out"
    assert call_medmix("run", run_file, "--inline").returncode == 0
    again = run_medmix("run", run_file, "--workers", "2", "-s", f"out={out}-2")
    assert again.returncode == 0, again.stderr
    assert digests(Path(f"{out}-2")) == digests(out)


def test_tokens_of_a_target(run_file: Path) -> None:
    demo_tokenizer = run_file.parent / "tokenizer.json"
    demo_tokenizer.write_bytes(train_bpe(iter(["the cat sat on the mat"]), 300))
    file = run_file.parent / "tiny.yaml"
    file.write_text(
        "name: tiny\ntokenizer: tokenizer.json\nbos_id: 0\neos_id: 1\npad_id: 2\ncontext_tokens: 512\nvocabulary: 512\n"
    )
    by_target = written(run_file.parent, "by-target.yaml", f", target: {file}, tokenizer: {demo_tokenizer}")
    done = call_medmix("run", by_target, "--inline")
    assert done.returncode == 0, done.stderr
    result = read_result(run_file.parent / "out")
    tokenizer = load_tokenizer_bytes(demo_tokenizer.read_bytes())
    texts = [row["text"] for row in rows(result, [ref.path for ref in result.manifests["sample"].files()])]
    sizes = [len(one.ids) for one in tokenizer.encode_batch(texts, add_special_tokens=False)]
    assert abs(sum(sizes) - TOKENS) < max(sizes)
    estimated = sum((len(text.encode()) + 3) // 4 for text in texts)
    assert abs(estimated - TOKENS) > max(sizes), "the estimate would have taken another number of documents"


def test_a_request_beyond_the_source_is_told(run_file: Path) -> None:
    done = call_medmix("run", run_file, "--inline", "-s", "stages.2.sources.web.tokens=900000000")
    assert done.returncode == 10
    assert "900,000,000 tokens and 600 held out were asked of source web, which holds" in done.stderr


def test_the_target_of_the_demo_cannot_count(run_file: Path) -> None:
    done = call_medmix("plan", run_file, "-s", "stages.2.target=demo")
    assert done.returncode == 3
    assert "sample: there is no tokenizer file for the target demo" in done.stderr


def lineage(result: Result) -> list[dict]:
    files = [shard.files["lineage"].path for shard in result.mixture_manifest("m", "shards").shards]
    return rows(result, files)


def tokens(found: list[dict], subset: str | None = None) -> int:
    return sum(row["tokens"] for row in found if subset in (None, json.loads(row["extra"])["subset"]))


def ids(found: list[dict]) -> set[str]:
    return {row["id"] for row in found}
