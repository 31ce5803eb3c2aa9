"""Clinical text comes through the whole pipeline whole, or not at all; the real sample runs through without a crash.

Push: sentences that cleaners are known to destroy and the traps of parsers, planted in every kind of input. Nightly,
with MEDMIX_DATA: the real sample itself (the folder MEDMIX_REAL_RUN when set, so that one run serves all tests).
"""

import html
import io
import json
import runpy
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from demo_runs import REPOSITORY
from rich.console import Console

from pipelines.check import check_run
from pipelines.engine.law import account_faults, chain_faults
from pipelines.load import load_run
from pipelines.result import Result, read_result
from pipelines.run import How, run

CASES = json.loads((Path(__file__).parent / "must_survive.json").read_text())
PARAGRAPHS = CASES["paragraphs"]
NEVER = "no text of such a file"
MAKE_PDFS = REPOSITORY / "configs" / "demo" / "make_pdfs.py"
LAST = "The last line of this text speaks of 9.9 mg twice a day."
TALK = "This note for the nurses of the {} ward says what to do with a patient who comes to us in the night and is ill."
DOSE = "Give 50 mg of the medicine once a day."
XML = """<?xml version="1.0"?>{doctype}<article article-type="research-article"><front><article-meta>
<title-group><article-title>A note from the {name} ward</article-title></title-group>
</article-meta></front><body>{body}</body></article>"""
HTML = """<!doctype html><html><head><title>Note of the {name} ward</title></head><body><nav><a href='/'>Home</a></nav>
<main><h1>Note</h1>{body}</main><footer>Contact us</footer></body></html>"""


def page(name: str, body: str) -> str:
    """Return a page with a menu and a footer around the body."""
    return HTML.format(name=name, body=f"<p>{TALK.format(name)}</p>{body}<p>{LAST}</p>")


def article(name: str, body: str, doctype: str = "") -> str:
    """Return a JATS article; `doctype` may declare entities."""
    return XML.format(name=name, body=f"<p>{TALK.format(name)}</p>{body}<p>{LAST}</p>", doctype=doctype)


def blocks(before: str, after: str) -> str:
    return "".join(before + html.escape(text, quote=False) + after for text in PARAGRAPHS)


def nested(depth: int, text: str) -> str:
    return "<div>" * depth + f"<p>{text}</p>" + "</div>" * depth


def entity(declared: str) -> str:
    return f"<!DOCTYPE article [<!ENTITY {declared}>]>"


def pdf() -> bytes:
    """Return a PDF of two columns, set as those of the demo."""
    set_text, write_pdf = (runpy.run_path(str(MAKE_PDFS))[name] for name in ("set_text", "write_pdf"))
    lines = "\n\n".join(["columns=2 header=Ward notes", "# Note", TALK.format("paper"), *CASES["latin"], LAST])
    return bytes(write_pdf(set_text(lines), "Note"))


TRAPS = {
    "jats/greek.xml": (article("greek", "<p>Give 5 &mgr;g of it, and 5 &#956;g later.</p>"), "5 μg of it"),
    "jats/own.xml": (article("own", "<p>Give &dose; now.</p>", entity('dose "50 mg"')), "50 mg now"),
    "jats/outside.xml": (article("outside", "<p>&a;</p>", entity('a SYSTEM "file:///etc/hostname"')), NEVER),
    "jats/unknown.xml": (article("unknown", "<p>Give 5 &nosuchunit; now.</p>"), NEVER),
    "jats/cut.xml": (article("cut", f"<p>{DOSE}</p>")[:-60], NEVER),
    "html/deep-400.html": (page("deep", nested(400, DOSE)), DOSE),
    "html/deep-3000.html": (page("deeper", nested(3000, DOSE)), DOSE),
}
"""Inputs, and the words that must be there when they are kept; NEVER: they must not be."""
WHOLE = {
    "jats/all.xml": article("paragraph", blocks("<p>", "</p>")),
    "html/all.html": page("paper", blocks("<p>", "</p>")),
    "html/list.html": page("list", f"<ul>{blocks('<li>', '</li>')}</ul>"),
    "html/table.html": page("table", f"<table><tr><th>rule</th></tr>{blocks('<tr><td>', '</td></tr>')}</table>"),
    "text/all.txt": "\n\n".join(["# Note", TALK.format("plain"), *PARAGRAPHS, LAST]),
    "text/lines.md": "\n".join(["# Note", TALK.format("line"), *PARAGRAPHS, LAST]),
    "rows/all.jsonl": json.dumps({"text": "\n".join([TALK.format("row"), *PARAGRAPHS, LAST])}, ensure_ascii=False),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Run every planted input through all stages of text."""
    folder = tmp_path_factory.mktemp("planted")
    for name, text in {**WHOLE, **{name: text for name, (text, _) in TRAPS.items()}}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "pdf").mkdir()
    (folder / "pdf" / "all.pdf").write_bytes(pdf())
    stages = ["normalize", "language", "quality", "dedup_exact", "consolidate"]
    sources: list[dict[str, object]] = [
        {"use": f"{REPOSITORY}/configs/sources/{name}.yaml", "name": name, "path": str(folder / name)}
        for name in ("jats", "html", "text", "pdf")
    ]
    sources.append({"name": "rows", "kind": "guideline", "path": str(folder / "rows"), "parser": "records"})
    body = {"name": "planted", "out": str(folder / "out"), "seed": 1, "max_quarantined": 1}
    body |= {"sources": sources, "stages": [{"kind": kind} for kind in stages]}
    (folder / "run.yaml").write_text(json.dumps(body))
    return run(load_run(folder / "run.yaml"), How(inline=True, live=False))


def fates(result: Result) -> dict[str, str | None]:
    """Return the text of each kept document and None for each quarantined one, by source and file."""
    root = result.storage.disk.root
    kept = [ref for name in result.documents for ref in result.manifests[name].files()]
    lost = [ref for manifest in result.manifests.values() for ref in manifest.files("rejects")]
    found: dict[str, str | None] = {}
    for row in (row for ref in lost for row in pq.read_table(root / ref.path).to_pylist()):
        assert row["outcome"] == "quarantined", row
        found[f"{row['source']}/{row['key']}"] = None
    for row in (row for ref in kept for row in pq.read_table(root / ref.path).to_pylist()):
        found[f"{row['source']}/{row['key'].partition('#')[0]}"] = row["text"]
    return found


@pytest.mark.parametrize("name", WHOLE)
def test_sentences_that_cleaners_destroy_come_through_whole(planted: Result, name: str) -> None:
    text = fates(planted)[name]
    assert text is not None
    flat = text.replace("\\", "") if name == "html/table.html" else text
    assert [line for line in [*PARAGRAPHS, LAST] if line not in flat] == []


def test_sentences_come_through_a_pdf_of_two_columns(planted: Result) -> None:
    text = " ".join(str(fates(planted)["pdf/all.pdf"]).split())
    assert [line for line in [*CASES["latin"], LAST] if line not in text] == []


@pytest.mark.parametrize("name", TRAPS)
def test_traps_of_parsers_are_passed_whole_or_quarantined(planted: Result, name: str) -> None:
    text = fates(planted)[name]
    if text is not None:
        assert TRAPS[name][1] in text
        assert LAST in text


@pytest.mark.nightly
@pytest.mark.real
def test_the_real_sample_runs_through(real_run: Path) -> None:
    result = read_result(real_run)
    known = {manifest.digest: manifest for manifest in result.manifests.values()}
    assert [f for one in known.values() for f in (*account_faults(one), *chain_faults(one, known))] == []
    crashed = {
        (name, reason): records
        for name, manifest in result.manifests.items()
        for reason, records in manifest.ledger.total().quarantined.items()
        if reason in ("parser_crashed", "parser_error", "parser_timeout", "parser_memory", "worker_lost")
    }
    assert crashed == {}
    assert {"qwen2.5", "llama-3.1"} <= result.mixtures.keys()
    check_run(real_run, Console(file=io.StringIO()), sweep=False)


@pytest.mark.nightly
@pytest.mark.real
def test_near_duplicates_of_the_real_sample_are_above_the_threshold(real_run: Path) -> None:
    result = read_result(real_run)
    manifest = result.manifests["dedup_near"]
    (ref,) = manifest.files()
    removed = pq.read_table(pa.BufferReader(result.storage.read(ref))).sort_by("jaccard")
    for row in removed.to_pylist():
        print(f"{row['jaccard']:.3f} {row['id']} -> {row['survivor']}")
    assert removed.num_rows > 0
    assert min(removed["jaccard"].to_pylist()) >= manifest.identity["threshold"]
    assert set(removed["id"].to_pylist()).isdisjoint(removed["survivor"].to_pylist())
    assert manifest.shards[0].facts["judged"]["number"] > 0
