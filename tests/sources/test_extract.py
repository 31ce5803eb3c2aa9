"""Extraction: one outcome a record, keys that are unique, rights, URLs, poison, and files that are not as planned."""

import gzip
import io
import json
import os
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pyarrow.parquet as pq
import pytest
from fakes.stages import Events
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.errors import ConfigError, InputError
from pipelines.engine.manifest import Manifest
from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import local_storage
from sources import catalog, extract, terms
from sources.catalog import ParserInfo, SourceConfig, parser_for
from sources.digests import DigestCache
from sources.document import Document, from_table
from sources.extract import Extract
from sources.files import list_files
from sources.options import check_options
from sources.rights import RESERVED, UNKNOWN


class Extracted:
    """What an extraction left: documents by key, and (key, reason, detail) of what was quarantined."""

    def __init__(self, out: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self.documents: dict[str, Document] = {}
        self.rejects: list[tuple[str, str, str]] = []
        for record in manifest.shards:
            for document in from_table(pq.read_table(out / record.main.path)):
                assert document.key not in self.documents
                self.documents[document.key] = document
            if "rejects" in record.files:
                rows = pq.read_table(out / record.files["rejects"].path).to_pylist()
                self.rejects += [(row["key"], row["reason"], row["detail"]) for row in rows]

    def reasons(self) -> dict[str, str]:
        assert len({key for key, _, _ in self.rejects}) == len(self.rejects)
        return {key: reason for key, reason, _ in self.rejects}


def config(**settings: Any) -> SourceConfig:
    return SourceConfig.model_validate({"name": "src", "kind": "guideline", "path": ".", **settings})


def stage(folder: Path, shard_bytes: int = 1 << 20, **settings: Any) -> Extract:
    source = config(**settings)
    return Extract(source, folder, list_files(source, folder, DigestCache(folder / ".cache")), shard_bytes)


def ran(planned: Extract, out: Path) -> Extracted:
    storage = local_storage(out)
    manifests = run_stages(storage, [PlannedStage(planned)], lambda: InlineRuntime(storage), Events())
    return Extracted(out, manifests[planned.name])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the parser `text` do what the items say."""
    monkeypatch.setitem(catalog.PARSERS, "text", ParserInfo("fakes.poison_parser:parse", charset=True))
    yield
    while extract._open:
        extract._open.popitem()[1].close()


def order(path: Path, *lines: dict[str, Any]) -> None:
    path.write_text("\n".join(json.dumps(line) for line in lines))


def part(text: str = "dose 5 mg", **facts: Any) -> dict[str, Any]:
    return {"part": {"text": text, **facts}}


@pytest.mark.usefixtures("orders")
def test_poison_is_quarantined_and_costs_nothing_else(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract, "OUTPUT_BYTES", 32 << 20)
    for deed in ("segfault", "spin", "sleep", "memory", "chatter", "error"):
        order(folder / f"{deed}.txt", part(f"before {deed}"), {"do": deed}, part("never"))
        order(folder / f"{deed}~good.txt", part(f"after {deed}"))
    found = ran(stage(folder, parser="text", cpu_s=1, wall_s=3, memory_bytes=512 << 20), tmp_path / "out")
    assert found.reasons() == {
        "segfault.txt#~2": "parser_crashed",
        "spin.txt#~2": "parser_timeout",
        "sleep.txt#~2": "parser_timeout",
        "memory.txt#~2": "parser_memory",
        f"chatter.txt#~{chatter_stop(found)}": "parser_output",
        "error.txt#~2": "parser_error",
    }
    kept = {document.text for document in found.documents.values() if document.text[0] != "x"}
    assert kept == {f"{when} {deed.split('~')[0]}" for deed in DEEDS for when in ("before", "after")}


DEEDS = ("segfault", "spin", "sleep", "memory", "chatter", "error")


def chatter_stop(found: Extracted) -> int:
    """How many records fit into the limit before the one that does not: 8 MiB each, and the first."""
    return extract.OUTPUT_BYTES // (8 << 20) + 1


@pytest.mark.usefixtures("orders")
def test_one_outcome_a_record_and_no_key_twice(folder: Path, tmp_path: Path) -> None:
    order(
        folder / "a.txt",
        *[part(name=name) for name in ("x", "x~2", "x", "", "", "x")],
        {"fault": {"reason": "ragged_row", "name": "x"}},
        {"fault": {"reason": "of_its_own", "detail": "why", "name": "y"}},
        {"raise": "no_text"},
    )
    order(folder / "b.txt")
    order(folder / "c.txt", part())
    found = ran(stage(folder, parser="text"), tmp_path / "out")
    assert list(found.documents) == ["a.txt#x", "a.txt#x~2", "a.txt#x~3", "a.txt", "a.txt#~2", "a.txt#x~4", "c.txt"]
    assert found.rejects == [
        ("a.txt#x~5", "ragged_row", ""),
        ("a.txt#y", "unreadable", "of_its_own: why"),
        ("a.txt#~3", "no_text", "as told"),
        ("b.txt", "no_record", "the parser found nothing in it"),
    ]
    assert len({document.id for document in found.documents.values()}) == 7
    total = found.manifest.ledger.total()
    assert (total.records_in, total.records_kept, total.quarantined.total()) == (11, 7, 4)


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    "facts",
    [
        {"text": "half \ud800"},
        {"title": "\udfff"},
        {"name": "n\ud800"},
        {"extra": {"a": ["\ud800"]}},
        {"identifiers": {"doi": "\ud800"}},
        {"messages": [{"role": "user", "content": "\ud800", "trained": True}]},
        {"mcq": {"question": "\ud800", "options": ["a", "b"], "gold": [0]}},
    ],
    ids=lambda facts: next(iter(facts)),
)
def test_half_a_surrogate_pair_is_quarantined(folder: Path, tmp_path: Path, facts: dict[str, Any]) -> None:
    order(folder / "a.txt", part(**{"text": "t", **facts}), part(name="good"))
    found = ran(stage(folder, parser="text"), tmp_path / "out")
    assert [reason for _, reason, _ in found.rejects] == ["invalid_unicode"]
    assert [document.key for document in found.documents.values()] == ["a.txt#good"]


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("facts", "spdx", "train", "evidence"),
    [
        ({}, "CC-BY-4.0", True, "by the source"),
        ({"spdx": "CC-BY-NC-4.0", "licence_text": "NC, it says"}, "CC-BY-NC-4.0", True, "NC, it says"),
        ({"spdx": "cc0-1.0"}, "CC0-1.0", True, "a.txt sha256:"),
        ({"licence_text": "CC-BY-SA-3.0-IGO"}, "CC-BY-SA-3.0-IGO", True, "CC-BY-SA-3.0-IGO"),
        ({"licence_text": "free for you"}, UNKNOWN, False, "free for you"),
        ({"spdx": "CC-BY-99", "licence_text": "odd"}, UNKNOWN, False, "CC-BY-99: odd"),
        ({"extra": {"tdm_reserved": True}}, "CC-BY-4.0", False, "by the source"),
        ({"spdx": "CC0-1.0", "extra": {"tdm_reserved": True}}, "CC0-1.0", False, "a.txt sha256:"),
        ({"licence_text": "x" * 9000}, UNKNOWN, False, "x" * 500),
    ],
)
def test_what_a_file_says_of_its_rights_wins(
    folder: Path, tmp_path: Path, facts: dict[str, Any], spdx: str, train: bool, evidence: str
) -> None:
    order(folder / "a.txt", part(**facts))
    declared = {"spdx": "CC-BY-4.0", "evidence": "by the source", "attribution": "WHO"}
    found = ran(stage(folder, parser="text", rights=declared), tmp_path / "out")
    rights = found.documents["a.txt"].rights
    assert (rights.spdx, rights.train) == (spdx, train)
    assert rights.evidence.startswith(evidence)
    assert rights.tdm_reserved == bool(facts.get("extra"))


@pytest.mark.usefixtures("orders")
def test_urls_by_their_rank_and_without_secrets(folder: Path, tmp_path: Path) -> None:
    order(
        folder / "a b.txt",
        part(name="own", url="https://own.org/?api_key=abcdef123456&x=1"),
        part(name="row", identifiers={"doi": "10.1/x"}),
        part(name="pmc", identifiers={"doi": "10.1/x", "pmcid": "PMC1"}),
        part(name="doi", identifiers={"doi": "10.1/x"}),
        part(name="n/1"),
        part(),
    )
    (folder / "urls.tsv").write_text("key\turl\na b.txt#row\thttps://row.org/?email=a@b.org\n")
    template = "https://t.org/{key}?n={name}"
    found = ran(stage(folder, parser="text", urls="urls.tsv", url_template=template), tmp_path / "out")
    assert {document.key.partition("#")[2]: document.url for document in found.documents.values()} == {
        "own": "https://own.org/?x=1",
        "row": "https://row.org/",
        "pmc": "https://pmc.ncbi.nlm.nih.gov/articles/PMC1/",
        "doi": "https://doi.org/10.1/x",
        "n/1": "https://t.org/a%20b.txt?n=n/1",
        "": None,
    }


def tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))


def test_members_of_an_archive_have_their_own_rows_in_the_url_table(folder: Path, tmp_path: Path) -> None:
    tar(folder / "a.tar.gz", {"x/1.txt": b"dose 5 mg", "x/2.txt": b"dose 6 mg", "x/3.bin": b"\x00\x01"})
    rows = "a.tar.gz!x/1.txt\thttps://one.org\t2024-05-01\na.tar.gz\thttps://all.org\t2024-05-02\n"
    (folder / "urls.tsv").write_text("file\turl\tretrieved\n" + rows)
    found = ran(stage(folder, urls="urls.tsv"), tmp_path / "out")
    assert {d.key: (d.url, d.retrieved) for d in found.documents.values()} == {
        "a.tar.gz!x/1.txt": ("https://one.org", "2024-05-01"),
        "a.tar.gz!x/2.txt": ("https://all.org", "2024-05-02"),
    }
    assert found.reasons() == {"a.tar.gz!x/3.bin": "unknown_format"}


def test_a_changed_url_row_changes_the_tasks_of_its_file_only(folder: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("dose" * 100)
    (folder / "urls.tsv").write_text("file\turl\na.txt\thttps://a.org\nb.txt\thttps://b.org\n")
    before = stage(folder, 100, urls="urls.tsv").tasks({})
    (folder / "urls.tsv").write_text("file\turl\na.txt\thttps://a.org\nb.txt\thttps://new.org\n")
    after = stage(folder, 100, urls="urls.tsv").tasks({})
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False]


@pytest.mark.usefixtures("orders")
def test_reference_only_for_a_source_or_for_held_out_records(folder: Path, tmp_path: Path) -> None:
    order(folder / "q.txt", part(name="1"), part(name="1"), part(name="2"), part(name="3"))
    (folder / "held.json").write_text('["1", "q.txt#3"]')
    found = ran(stage(folder, parser="text", held_out="held.json"), tmp_path / "out")
    assert {d.key: "reference_only" in d.extra for d in found.documents.values()} == {
        "q.txt#1": True, "q.txt#1~2": True, "q.txt#2": False, "q.txt#3": True,
    }  # fmt: skip
    found = ran(stage(folder, parser="text", include=["q.txt"], reference_only=True), tmp_path / "all")
    assert all(json.loads(d.extra)["reference_only"] is True for d in found.documents.values())


@pytest.mark.usefixtures("orders")
def test_what_the_file_says_wins_over_what_the_source_declares(folder: Path, tmp_path: Path) -> None:
    order(
        folder / "a.txt",
        part(name="own", language="fr", kind="abstract", version="2", extra={"edits": ["hyphens"], "n": 1}),
        part(name="none", kind="poem", identifiers={"doi": None, "pmid": "1"}),
    )
    found = ran(stage(folder, parser="text", language="en", release="r1"), tmp_path / "out")
    own, none = found.documents.values()
    assert (own.language, own.kind, own.version, own.release, own.extra) == ("fr", "abstract", "2", "r1", '{"n": 1}')
    assert own.edits == [{"stage": "extract-src", "version": Extract.version, "config": "", "names": ["hyphens"]}]
    assert (none.language, none.kind, none.identifiers, none.retrieved) == ("en", "guideline", {"pmid": "1"}, None)


WARC = """WARC/1.0\r
WARC-Type: response\r
WARC-Record-ID: <urn:uuid:{name}>\r
WARC-Target-URI: https://who.int/{name}?api_key=abcdef123456\r
WARC-Date: 2024-05-01T10:00:00Z\r
Content-Type: application/http; msgtype=response\r
Content-Length: {length}\r
\r
"""


def warc_record(name: str, content_type: str, body: bytes) -> bytes:
    http = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n\r\n".encode() + body
    return WARC.format(name=name, length=len(http)).encode() + http + b"\r\n\r\n"


PAGE = "<html><head><title>T</title></head><body><main><p>{}</p></main></body></html>"
ARTICLE = b"<article><front><article-meta/></front><body><p>The dose is 5 mg a day.</p></body></article>"
SENTENCES = "The usual dose is 5 µg per day for adults, and 2 µg for children under the age of five. " * 5


def test_a_web_archive_is_read_by_media_type(folder: Path, tmp_path: Path) -> None:
    (folder / "w.warc").write_bytes(
        warc_record("html", "text/html; charset=windows-1252", PAGE.format(SENTENCES).encode("cp1252"))
        + warc_record("text", 'text/plain; charset="latin-1"', "dose 5 µg".encode("latin-1"))
        + warc_record("jats", "application/xml; charset=utf-8", ARTICLE)
        + warc_record("xml", "text/xml", b"<topic><p>Take 5 mg.</p></topic>")
        + warc_record("json", "application/json", b'[{"text": "Take 6 mg."}]')
    )
    found = ran(stage(folder), tmp_path / "out")
    texts = {document.url: document.text for document in found.documents.values()}
    assert found.reasons() == {}
    assert {url.removeprefix("https://who.int/") for url in texts if url} == {"html", "text", "jats", "xml", "json"}
    assert texts["https://who.int/text"].strip() == "dose 5 µg"
    assert SENTENCES.strip() in texts["https://who.int/html"]
    assert {document.retrieved for document in found.documents.values()} == {"2024-05-01T10:00:00Z"}


def test_a_mixed_folder_is_read_by_suffix_and_content(folder: Path, tmp_path: Path) -> None:
    (folder / "a.html").write_text(PAGE.format(SENTENCES))
    (folder / "b.nxml").write_bytes(ARTICLE)
    (folder / "c.xml").write_bytes(ARTICLE)
    (folder / "d.txt.gz").write_bytes(gzip.compress(b"dose 5 mg", mtime=0))
    (folder / "e.jsonl").write_text('{"text": "dose 7 mg"}\n\n{"text": "dose 8 mg"}\n')
    (folder / "f.jsonl.gz").write_bytes(gzip.compress(b'{"text": "dose 9 mg"}\n', mtime=0))
    (folder / "g.yaml").write_text("dose: 10 mg\n")
    (folder / "h.csv").write_text("text,n\ndose 11 mg,1\n")
    (folder / "i.png").write_bytes(b"\x89PNG\r\n")
    (folder / "j.jsonl").write_bytes(b"")
    (folder / "k").write_text(PAGE.format(SENTENCES))
    (folder / "l!m.txt").write_text("dose 12 mg")
    found = ran(stage(folder), tmp_path / "out")
    assert Counter(key.partition("#")[0] for key in found.documents) == Counter(
        ["a.html", "b.nxml", "c.xml", "d.txt.gz", "e.jsonl", "e.jsonl", "f.jsonl.gz", "g.yaml", "h.csv", "k", "l!m.txt"]
    )
    assert found.reasons() == {"i.png": "unknown_format", "j.jsonl": "no_record"}


@pytest.mark.parametrize(
    ("suffix", "media_type", "head", "parser"),
    [
        ("", "text/html", b"%PDF-1.7", "pdf"),
        ("", "application/octet-stream", b"  <!-- x -->\n<!DOCTYPE HTML>", "html"),
        (".xml", None, b"<?xml version='1.0'?><article>", "jats"),
        (".xml", None, b"<j:article xmlns:j='https://jats.nlm.nih.gov/ns'>", "jats"),
        (".xml", None, "<?xml version='1.0' encoding='UTF-16'?><article>".encode("utf-16"), "jats"),
        (".xml", None, "\ufeff<j:article xmlns:j='x'>".encode("utf-16-be"), "jats"),
        (".xml", None, "<?xml version='1.0'?><article>".encode("utf-16-le"), "jats"),
        (".xml", None, "<article>".encode("utf-32"), "jats"),
        (".xml", None, "<PubmedArticleSet>".encode("utf-16"), "pubmed"),
        (".xml", None, "<book-part>".encode("utf-16"), "bookshelf"),
        (".xml", None, "<Bundle xmlns='http://hl7.org/fhir'>".encode("utf-16"), "xml"),
        (".xml", None, b"\xff\xfe<", "xml"),
        (".xml", None, b"<articles-of-faith/>", "xml"),
        (".xml", None, b"<j:articles-of-faith/>", "xml"),
        (".xml", None, b"<html>", "html"),
        ("", "application/atom+xml", b"<feed>", "xml"),
        ("", "application/xhtml+xml", b"<html>", "html"),
        (".gz", "application/jsonl", b"{}", "records"),
        (".exe", None, b"MZ", None),
        ("", None, b"", None),
    ],
)
def test_the_parser_of_an_item(suffix: str, media_type: str | None, head: bytes, parser: str | None) -> None:
    assert parser_for(suffix, media_type, head) == parser


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=40), st.integers(30, 400))
def test_every_row_comes_out_once_however_the_file_is_cut(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], shard_bytes: int
) -> None:
    home = tmp_path_factory.mktemp("rows")
    (home / "in").mkdir()
    rows = [{"id": f"r{at}", "text": f"{at} " + "x" * length} for at, length in enumerate(lengths)]
    (home / "in/rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    planned = stage(home / "in", shard_bytes, parser="records", options={"fields": {"text": "text", "name": "id"}})
    found = ran(planned, home / "out")
    assert found.rejects == []
    assert sorted(d.text for d in found.documents.values()) == sorted(row["text"] for row in rows)


@pytest.mark.parametrize("shard_bytes", [64, 150, 400])
def test_keys_do_not_depend_on_how_a_file_is_cut(folder: Path, tmp_path: Path, shard_bytes: int) -> None:
    rows = [{"id": name, "text": f"dose {at} mg"} for at, name in enumerate(["a", "b", "a", "", "c", "a", "d", "held"])]
    lines = [json.dumps(row) for row in rows]
    lines[4:4] = ["", "not JSON", '{"id": "e"}', json.dumps({"text": "x" * 5000})]
    (folder / "r.jsonl").write_text("\n".join(lines))
    (folder / "held.json").write_text('["held", "r.jsonl#d"]')
    (folder / "urls.tsv").write_text("key\turl\nr.jsonl#c\thttps://c.org\n")
    declared = {"parser": "records", "held_out": "held.json", "urls": "urls.tsv", "include": ["r.jsonl"]}
    declared |= {"options": {"fields": {"text": "text", "name": "id"}}}
    whole = ran(stage(folder, **declared), tmp_path / "whole")
    cut = ran(stage(folder, shard_bytes, **declared), tmp_path / "cut")
    assert len(cut.manifest.shards) > 1
    assert cut.rejects == whole.rejects
    told = [
        {(d.key, d.id, d.text, d.url, tuple(d.identifiers.items()), d.extra) for d in found.documents.values()}
        for found in (whole, cut)
    ]
    assert told[0] == told[1]
    offsets = [sum(len(line) + 1 for line in lines[:at]) for at in range(len(lines))]
    assert list(whole.documents) == [f"r.jsonl#B{offsets[at]}" for at in (0, 1, 2, 3, 7, 8, 9, 10, 11)]
    named = {d.identifiers.get("native_key"): (d.url, "reference_only" in d.extra) for d in whole.documents.values()}
    assert named == {
        "r.jsonl#a": (None, False), "r.jsonl#b": (None, False), None: (None, False),
        "r.jsonl#c": ("https://c.org", False), "r.jsonl#d": (None, True), "r.jsonl#held": (None, True),
    }  # fmt: skip
    assert [(key, reason) for key, reason, _ in sorted(whole.rejects)] == sorted(
        [
            (f"r.jsonl#B{offsets[5]}", "invalid_json"),
            (f"r.jsonl#B{offsets[6]}", "missing_field"),
        ]
    )


@pytest.mark.parametrize("change", ["grown", "same size", "gone"])
def test_a_file_that_is_not_as_planned_ends_the_run(folder: Path, tmp_path: Path, change: str) -> None:
    (folder / "a.txt").write_text("dose 5 mg")
    planned = stage(folder)
    if change == "gone":
        (folder / "a.txt").unlink()
    else:
        (folder / "a.txt").write_text("dose 50 mg" if change == "grown" else "dose 9 mg")
    with pytest.raises(InputError, match=r"a\.txt: has changed or vanished since the plan was made"):
        ran(planned, tmp_path / "out")


def test_faults_of_a_container_are_named_by_file_and_member(folder: Path, tmp_path: Path) -> None:
    tar(folder / "a.tar.gz", {"good.txt": b"dose 5 mg", "../climb.txt": b"x", "inner.zip": b"PK"})
    whole = (folder / "a.tar.gz").read_bytes()
    (folder / "b.tar.gz").write_bytes(whole[: len(whole) // 2])
    (folder / "big.txt").write_text("x" * 5000)
    found = ran(stage(folder, max_item_bytes=4096), tmp_path / "out")
    assert list(found.documents) == ["a.tar.gz!good.txt"]
    reasons = found.reasons()
    assert reasons.pop("a.tar.gz!inner.zip") == "nested_archive"
    assert reasons.pop("big.txt") == "too_large"
    assert sorted(reasons.values()) == ["truncated_archive", "unsafe_member_name"]
    assert all(key.startswith(("a.tar.gz!", "b.tar.gz")) for key in reasons)


@pytest.mark.parametrize(
    ("parser", "options", "message"),
    [
        ("records", {"feilds": {}}, r"\.feilds: the parser 'records' has no such option; did you mean 'fields'"),
        ("records", {"fields": {"txt": "text"}}, "unknown field 'txt'"),
        ("records", {"fields": "text"}, "do not fit the parser 'records'"),
        ("mcq", {"layout": "circle"}, "layout 'circle' must be of"),
        ("jats", {"citations": "bold"}, "citations=plain"),
        ("html", {"drop_xpath": ["//p["]}, "XPath"),
        ("html", {"content_xpath": "//p[", "kind": "guideline"}, "XPath"),
        ("xml", {"preset": "nope"}, "preset 'nope' is not one of"),
        ("pdf", {"ocr": "eng"}, "ocr is a list of tesseract's languages"),
        ("pdf", {"colour": 1}, "known are ocr, read_encrypted"),
        ("text", {"section": "none"}, "did you mean 'sections'"),
        ("structured", {"skips": []}, "did you mean 'skip'"),
        ("auto", {"skip": []}, "name it in `parser`"),
    ],
)
def test_a_slip_in_the_options_is_told_before_anything_runs(parser: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"source src: options.*{message}"):
        check_options(config(parser=parser, options=options))


def test_the_table_of_options_is_that_of_the_code() -> None:
    import ast
    import importlib

    from sources.options import OPTIONS

    modules = {
        "html": ["html", "charset"], "pdf": ["pdf", "pdf_ocr"], "text": ["text", "charset"],
        "mcq": ["mcq", "record_rows", "record_csv"], "records": ["records", "record_rows", "record_csv"],
        "jats": ["jats"], "structured": ["structured"],
    }  # fmt: skip
    for parser, names in modules.items():
        used = set()
        for name in names:
            tree = ast.parse(Path(str(importlib.import_module(f"sources.parse.{name}").__file__)).read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
                    used |= {n for n in [node.args[0]] if ast.unparse(node.func.value) == "options"}
                elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "options":
                    used.add(node.slice)
        found = {node.value for node in used if isinstance(node, ast.Constant)}
        assert found - {"media_type"} == OPTIONS[parser], parser


def test_good_options_pass_and_the_stage_travels_without_its_file_lists(folder: Path) -> None:
    import pickle

    (folder / "a.jsonl").write_text('{"text": "x"}')
    planned = stage(folder, parser="records", options={"fields": {"text": "text"}})
    again = pickle.loads(pickle.dumps(planned))
    assert (again.identity(), again.tasks({})) == (planned.identity(), [])


def test_terms_travel_with_the_stage_so_that_no_worker_reads_the_catalogue(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.jsonl").write_text('{"text": "x", "url": "https://www.nice.org.uk/guidance/ng1"}')
    fields = {"text": "text", "url": "url"}
    planned = stage(folder, parser="records", options={"fields": fields}, rights={"spdx": "CC-BY-4.0"})

    def read_again() -> NoReturn:
        raise AssertionError("the catalogue was read by a worker")

    monkeypatch.setattr(extract, "catalogue_terms", read_again)
    monkeypatch.setattr(terms, "catalogue_terms", read_again)
    [document] = ran(planned, tmp_path / "out").documents.values()
    assert document.rights.spdx == RESERVED


def test_identity_tells_bytes_from_places(folder: Path) -> None:
    (folder / "a.txt").write_text("x")
    planned = stage(folder)
    other = Extract(config(path="elsewhere", title="other", optional=True), folder, [], 1 << 20)
    assert other.identity() == planned.identity()
    assert Extract(config(language="fr"), folder, [], 1 << 20).identity() != planned.identity()


@pytest.mark.real
@pytest.mark.skipif("MEDMIX_DATA" not in os.environ, reason="MEDMIX_DATA is not set")
def test_bad_inputs_are_quarantined_with_a_reason_of_their_own(tmp_path: Path) -> None:
    root = Path(os.environ["MEDMIX_DATA"]) / "bad_inputs"
    if not root.is_dir():
        pytest.skip("no bad_inputs in MEDMIX_DATA")
    found = ran(stage_of(root, exclude=["MANIFEST.tsv"]), tmp_path / "out")
    reached = {
        key.partition("#")[0].partition("!")[0] for key in [*found.documents, *(key for key, _, _ in found.rejects)]
    }
    assert reached == {
        file.key for file in list_files(config(exclude=["MANIFEST.tsv"]), root, DigestCache(tmp_path / "c"))
    }
    assert "unreadable" not in {reason for _, reason, _ in found.rejects}


def stage_of(root: Path, **settings: Any) -> Extract:
    source = config(**settings)
    return Extract(source, root, list_files(source, root, DigestCache(Path("/nonexistent"))), 1 << 20)


def test_a_reader_that_datatrove_does_not_have_is_told() -> None:
    check_options(config(parser="datatrove", options={"reader": "JsonlReader"}))
    with pytest.raises(
        ConfigError, match=r"src: options\.reader: datatrove has no reader 'JsonlRader'; it has .*JsonlReader"
    ):
        check_options(config(parser="datatrove", options={"reader": "JsonlRader"}))
